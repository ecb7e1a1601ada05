import type { FastifyInstance } from 'fastify';

export interface RegisteredRoute {
  /** The pattern, such as `/share/:token`. */
  path: string;
  methods: readonly string[];
}

/** Returns all routes of a server, as its router prints them: a tree with four characters per level. */
export function registeredRoutes(app: FastifyInstance): RegisteredRoute[] {
  const above: string[] = [];
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .filter((line) => line.includes('── '))
    .map((line) => {
      const [, drawn = '', part = '', methods = ''] = /^(.*── )(.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
      above.length = drawn.length / 4 - 1;
      above.push(part);
      return { path: above.join(''), methods: methods.split(', ') };
    });
}
