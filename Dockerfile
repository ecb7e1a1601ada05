# syntax=docker/dockerfile:1
# Three stages: build the npm package, install its dependencies, and copy both into a slim image with the Node binary. Nothing in it
# depends on the architecture: docker buildx build --platform linux/amd64,linux/arm64 .
ARG NODE_IMAGE=node:24-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY rollup.config.mjs LICENSE README.md CHANGELOG.md SECURITY.md ./
COPY server server
COPY tracker tracker
RUN npm pack --silent && tar -xzf attractos-*.tgz

FROM ${NODE_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json ./
# Checkouts install Node as an optional dependency. The image has its own. Of the country database, only the file with both IP versions
# is used.
RUN npm ci --ignore-scripts --omit=dev \
  && rm -rf node_modules/node-linux-* node_modules/.bin node_modules/@ip-location-db/*/*-ipv[46].mmdb

FROM ${BASE_IMAGE}
COPY --from=build /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
COPY --from=build /app/package ./
RUN ln -s /app/server/bin/attractos.js /usr/local/bin/attractos \
  && chmod 755 server/bin/attractos.js \
  && install --directory --owner=10001 --group=10001 --mode=700 /data
USER 10001:10001
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
  CMD ["node", "/app/server/bin/attractos.js", "healthcheck"]
ENTRYPOINT ["node", "/app/server/bin/attractos.js"]
CMD ["serve"]
