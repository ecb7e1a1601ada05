import Fastify from 'fastify';

/** The baseline: a bare Fastify that does nothing with beacons and requests. */
const app = Fastify();
app.post('/e', async (_request, reply) => reply.code(202).send());
app.get('/api/v1/sites', async () => ({ sites: [] }));

process.stdout.write(`running at ${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
