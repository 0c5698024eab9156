# SPDX-License-Identifier: LGPL-2.1-or-later
# liveedit-server on an NVIDIA GPU. The driver comes from the machine (nvidia-container-toolkit), CUDA's libraries from libtorch's wheels.
# Built by BuildKit: Docker 23 or later, or DOCKER_BUILDKIT=1.
#
#   docker build -f packaging/docker/cuda.Dockerfile -t liveedit:cuda .
#   docker run --rm --gpus all -p 127.0.0.1:8000:8000 -e LIVEEDIT_SERVER__INSECURE=true liveedit:cuda
ARG UBUNTU=24.04
# The CUDA of the image and that of libtorch's wheels have the same major version.
ARG CUDA=13.0.1
FROM nvidia/cuda:${CUDA}-devel-ubuntu${UBUNTU} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ARG PIP_INDEX_URL=https://download.pytorch.org/whl/cu130
ENV PIP_INDEX_URL=$PIP_INDEX_URL DEBIAN_FRONTEND=noninteractive
WORKDIR /src
COPY scripts/setup scripts/setup
RUN scripts/setup
COPY . .
RUN cmake --preset cuda -B build -DCMAKE_INSTALL_PREFIX=/usr && LIVEEDIT_BUILD_DIR=/src/build scripts/package

FROM ubuntu:${UBUNTU}
# hadolint ignore=DL3008
RUN --mount=type=bind,from=build,source=/src/build/packages,target=/packages \
  apt-get update \
  && apt-get install -y --no-install-recommends /packages/*.deb gstreamer1.0-plugins-ugly gstreamer1.0-libav glib-networking ca-certificates curl \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 10001 --create-home --home-dir /var/lib/liveedit liveedit \
  && install -d -o liveedit -g liveedit /var/lib/liveedit/recordings
USER 10001
WORKDIR /var/lib/liveedit
# What the container gets of the driver.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
# See cpu.Dockerfile.
ENV LIVEEDIT_SERVER__HOST=0.0.0.0 HF_HOME=/var/lib/liveedit/huggingface
VOLUME /var/lib/liveedit
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD at=127.0.0.1:${LIVEEDIT_SERVER__PORT:-8000}/health; curl -fsS "http://$at" || curl -fsSk "https://$at"
ENTRYPOINT ["liveedit-server"]
