# remix-track on a CPU: none of CUDA's libraries, no rights, and nothing written outside /data.
#
#   docker build --build-arg TORCH_INDEX=ADDRESS -t remix-track .
#   docker run --rm --read-only --tmpfs /tmp -v "$PWD:/data" --user "$(id -u):$(id -g)" remix-track video.mp4
#
# ADDRESS is that of PyTorch's wheels for CPUs, which its page "Get started" names; elsewhere pip finds those for CUDA,
# with gigabytes of libraries. The first stage is thrown away with all that only building needs.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/remix-track
ENV PATH=/opt/remix-track/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
ARG TORCH_INDEX
RUN : "${TORCH_INDEX:?give --build-arg TORCH_INDEX=ADDRESS, see the first lines of the Dockerfile}" \
    && pip install --index-url "$TORCH_INDEX" torch torchvision
ARG EXTRAS=store,events,view,counting
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY remix_track remix_track
COPY trackers trackers
COPY eval eval
# OpenCV with windows would want the libraries of a desktop. Packages' own tests and headers are a seventh of it all.
RUN pip install ".[$EXTRAS]" \
    && opencv=$(pip freeze | sed -n 's/^opencv-python==//p') \
    && pip uninstall --yes opencv-python \
    && pip install --no-deps "opencv-python-headless==$opencv" \
    && find /opt/remix-track/lib -depth -type d \( -name tests -o -path '*/torch/test' -o -path '*/torch/include' \) \
        -exec rm -r {} +

FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner=10001 --group=10001 /data
COPY --from=build /opt/remix-track /opt/remix-track
# What is kept between runs (weights, compiled networks, events that wait) lies with the data.
ENV PATH=/opt/remix-track/bin:$PATH HOME=/data XDG_CACHE_HOME=/data/.cache PYTHONUNBUFFERED=1
WORKDIR /data
USER 10001:10001
VOLUME /data
ENTRYPOINT ["remix-track"]
CMD ["--help"]
