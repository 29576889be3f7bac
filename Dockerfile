# Tailgate with Node and git, for CI systems whose jobs run in containers: docker build --tag tailgate .
# docs/containers.md says how to use it, also for servers that need another base image.
FROM node:24-bookworm-slim

# git measures the base commit; tini collects the processes that a server leaves to process 1.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates git tini \
  && rm -rf /var/lib/apt/lists/*

COPY package.json LICENSE README.md /opt/tailgate/
COPY *.schema.json /opt/tailgate/
COPY dist /opt/tailgate/dist
COPY examples/chat-server /opt/tailgate/examples/chat-server
COPY examples/demo /opt/tailgate/examples/demo
COPY scenarios/chat-room.yml /opt/tailgate/scenarios/

# The work folder comes from outside, with an owner of its own, whom git would not trust.
RUN chmod +x /opt/tailgate/dist/cli.js \
  && ln -s /opt/tailgate/dist/cli.js /usr/local/bin/tailgate \
  && git config --system --add safe.directory '*'

WORKDIR /work
ENTRYPOINT ["tini", "--", "tailgate"]
