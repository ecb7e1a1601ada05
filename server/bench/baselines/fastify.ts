import Fastify from 'fastify';

/** The yardstick: a bare Fastify that does nothing with a beacon, and nothing for a question. */
const app = Fastify();
app.post('/e', async (_request, reply) => reply.code(202).send());
app.get('/api/v1/sites', async () => ({ sites: [] }));

process.stdout.write(`running at ${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
