# Two images. The last stage, `action`, is what `image: Dockerfile` in action.yml builds; `service` runs the
# servers. Each is a Python, its libraries and the gate in a root filesystem of its own: no package manager, no
# pip, no compiler. docs/how-to/build-images.md says how to build, pin and look into them.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_COMPILE=1 \
    PIP_ONLY_BINARY=:all: \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
COPY requirements/build.txt requirements/
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install --quiet --require-hashes --requirement requirements/build.txt \
    && python3 -m venv --without-pip /opt/gate
COPY scripts/image_root.py scripts/

FROM build AS service-libraries
COPY requirements/service.txt requirements/
RUN /opt/build/bin/pip --python /opt/gate/bin/python install --quiet --require-hashes \
        --requirement requirements/service.txt \
    && python3 scripts/image_root.py collect --venv /opt/gate --root /rootfs \
    && python3 scripts/image_root.py compile --root /rootfs
RUN echo 'gate:x:65532:65532:Saturday Gate:/var/lib/gate:/usr/sbin/nologin' >> /rootfs/etc/passwd \
    && echo 'gate:x:65532:' >> /rootfs/etc/group \
    && mkdir -p /rootfs/var/lib/gate \
    && chown 65532:65532 /rootfs/var/lib/gate

FROM build AS action-libraries
COPY requirements/action.txt requirements/
RUN /opt/build/bin/pip --python /opt/gate/bin/python install --quiet --require-hashes \
        --requirement requirements/action.txt \
    && python3 scripts/image_root.py collect --venv /opt/gate --root /rootfs \
    && python3 scripts/image_root.py compile --root /rootfs

FROM build AS project
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY gate gate
RUN /opt/build/bin/pip wheel --quiet --no-build-isolation --no-deps --wheel-dir /wheel . \
    && /opt/build/bin/pip --python /opt/gate/bin/python install --quiet --no-deps --no-index \
        --root /rootfs /wheel/*.whl \
    && mkdir -p /rootfs/usr/local/bin \
    && ln -s /opt/gate/bin/gate /rootfs/usr/local/bin/gate \
    && python3 scripts/image_root.py compile --root /rootfs

FROM scratch AS service
COPY --from=service-libraries /rootfs /
COPY --from=project /rootfs /
ENV LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    GATE_CACHE_DIR="" \
    HOME=/var/lib/gate \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /var/lib/gate
USER 65532:65532
ENTRYPOINT ["gate"]
CMD ["--help"]

# Root, because the files that a runner mounts belong to whoever it runs as.
FROM scratch AS action
COPY --from=action-libraries /rootfs /
COPY --from=project /rootfs /
ENV LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    GATE_CACHE_DIR="" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
ENTRYPOINT ["gate"]
CMD ["action"]
