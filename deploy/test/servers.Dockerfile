# Stand-ins, out of Debian's packages, for the images of servers that compose.yaml names: where no registry of images can
# be reached. Each does with its command and its environment what the image that it stands for does.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS valkey
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/* \
    && ln -s /usr/bin/redis-server /usr/local/bin/valkey-server && mkdir /data && chown redis /data
# hadolint ignore=DL3066
USER redis
WORKDIR /data

FROM ${BASE} AS postgres
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-15 && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /var/lib/postgresql/data && chown postgres /var/lib/postgresql/data
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data/pgdata
COPY deploy/test/postgres.sh /usr/local/bin/postgres.sh
# hadolint ignore=DL3066
USER postgres
CMD ["sh", "/usr/local/bin/postgres.sh"]

FROM ${BASE} AS nginx
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/*
