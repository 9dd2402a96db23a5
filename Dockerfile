# syntax=docker/dockerfile:1
# The one image of all roles and the operator. `make image` builds the same without Docker.

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund --no-progress
RUN node_modules/.bin/node tools/bundle.ts --out /app && cp LICENSE /app/

# libc, libstdc++, certificates, the user 65532 and /tmp; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title=openim-operator \
      org.opencontainers.image.licenses=Apache-2.0
# The Node of package.json, on which everything is tested.
COPY --from=build /src/node_modules/node/bin/node /usr/bin/node
COPY --from=build /app /app
ENV NODE_ENV=production
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/usr/bin/node", "--enable-source-maps", "/app/im.mjs"]
CMD ["serve", "all"]
