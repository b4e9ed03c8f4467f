# Build:  docker build -t healthcheck_exporter .     (make image: with labels of version, commit and time)
# Run:    docker run -p 127.0.0.1:10115:10115 healthcheck_exporter
# With a configuration:
#         docker run -p 127.0.0.1:10115:10115 -v "$PWD/healthcheck.yml:/etc/healthcheck_exporter/healthcheck.yml:ro" \
#             healthcheck_exporter --config.file=/etc/healthcheck_exporter/healthcheck.yml
# With restarts, whose state and audit should outlive the container: add -v healthcheck:/data

# A release names this image by its digest as well, so that nobody can replace it: RELEASING.md says how to write it here.
ARG GOLANG=golang:1.26.8-bookworm
FROM --platform=$BUILDPLATFORM $GOLANG AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH TARGETVARIANT
ARG REVISION=unknown BRANCH=unknown BUILD_USER=docker SOURCE_DATE_EPOCH
# GOARM is for 32-bit ARM alone: the v8 of arm64 is no value of it.
RUN if [ "$TARGETARCH" = arm ]; then export GOARM="${TARGETVARIANT#v}"; fi \
    && GOOS="$TARGETOS" GOARCH="$TARGETARCH" make build \
    && packaging/modules.sh | go run ./packaging/generate licenses healthcheck_exporter >LICENSES.txt \
    && echo 'healthcheck_exporter:x:65532:65532::/:' >passwd \
    && echo 'healthcheck_exporter:x:65532:' >group \
    && mkdir /state

# Nothing but the program: no shell, no package manager.
FROM scratch
# Version, revision and time of creation are for make image to say.
LABEL org.opencontainers.image.title="healthcheck_exporter" \
      org.opencontainers.image.description="Prometheus exporter that probes HTTP and WebSocket targets and says why they fail" \
      org.opencontainers.image.source="https://github.com/healthcheck-exporter/healthcheck_exporter" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /src/passwd /src/group /etc/
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chmod=0644 /src/LICENSE /src/NOTICE /src/LICENSES.txt /usr/share/doc/healthcheck_exporter/
COPY --from=build /src/healthcheck_exporter /bin/healthcheck_exporter
# The default of --storage.path is below the working directory, which is /. A new volume takes over whose it is.
COPY --from=build --chown=65532:65532 /state /data

# A number, so that Kubernetes' runAsNonRoot can see that it is not root.
USER 65532:65532
EXPOSE 10115
# With --web.config.file (TLS, passwords), another --web.listen-address, or a path (--web.external-url, --web.route-prefix) this has to
# be overridden to match: docs/install.md.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 \
    CMD ["/bin/healthcheck_exporter", "probe", "--timeout=3s", "http://127.0.0.1:10115/-/healthy"]
ENTRYPOINT ["/bin/healthcheck_exporter"]
