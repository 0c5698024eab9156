# SPDX-License-Identifier: LGPL-2.1-or-later
# liveedit-server on the CPU, with the embedded model. Built by BuildKit: Docker 23 or later, or DOCKER_BUILDKIT=1.
#
#   docker build -f packaging/docker/cpu.Dockerfile -t liveedit .
#   docker run --rm -p 127.0.0.1:8000:8000 -e LIVEEDIT_SERVER__INSECURE=true liveedit
FROM debian:12 AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# PyTorch's own index has wheels without CUDA, which are a tenth of the size.
ARG PIP_INDEX_URL=https://download.pytorch.org/whl/cpu
ENV PIP_INDEX_URL=$PIP_INDEX_URL DEBIAN_FRONTEND=noninteractive
WORKDIR /src
COPY scripts/setup scripts/setup
RUN scripts/setup
COPY . .
RUN scripts/package

FROM debian:12-slim
# WebRTC and recordings want H.264 and AAC, which are among what is recommended.
# hadolint ignore=DL3008
RUN --mount=type=bind,from=build,source=/src/build/packages,target=/packages \
  apt-get update \
  && apt-get install -y --no-install-recommends /packages/*.deb gstreamer1.0-plugins-ugly gstreamer1.0-libav glib-networking ca-certificates curl \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 10001 --create-home --home-dir /var/lib/liveedit liveedit \
  && install -d -o liveedit -g liveedit /var/lib/liveedit/recordings
USER 10001
WORKDIR /var/lib/liveedit
# Inside the container every address is its own; the port that is published decides who comes, and the server insists on a token
# (LIVEEDIT_SERVER__TOKEN_FILE) or on LIVEEDIT_SERVER__INSECURE=true.
ENV LIVEEDIT_SERVER__HOST=0.0.0.0 HF_HOME=/var/lib/liveedit/huggingface
VOLUME /var/lib/liveedit
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD at=127.0.0.1:${LIVEEDIT_SERVER__PORT:-8000}/health; curl -fsS "http://$at" || curl -fsSk "https://$at"
ENTRYPOINT ["liveedit-server"]
