# docker build -t podreeve .
#
# Where no registry is reached, image/build makes the last stage alone from a binary that was built outside.

# Any image with a Rust toolchain and a C compiler on glibc, for example a mirror's.
ARG RUST_IMAGE=rust:1-slim

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/target \
    export CARGO_TARGET_DIR=/target PODREEVE_CACHE=/target \
    && (rustup component add llvm-tools || true) \
    && PODREEVE_PROFILE=$(image/profile) image/cargo-static build --locked --profile dist --bin podreeve \
    && mkdir -p /out && cp /target/*/dist/podreeve /out/podreeve
# The agent on a node (chart: nodes.enabled) reads all files of the host as user 65532. It raises this capability itself, where its container
# has it. Permitted only (`p`): a container that drops ALL could not start a file that has it effective.
RUN command -v setcap >/dev/null || (apt-get update && apt-get install -y --no-install-recommends libcap2-bin)
RUN setcap cap_dac_read_search=p /out/podreeve

# Only the binary: no shell, no libraries, no package that could be vulnerable (OWASP items 3, 5, 9).
FROM scratch AS final
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="podreeve" \
      org.opencontainers.image.description="A Kubernetes admission webhook that holds pods to the OWASP container-security list" \
      org.opencontainers.image.source="https://github.com/podreeve/podreeve" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build --chmod=0555 /out/podreeve /podreeve
# By number, so that `runAsNonRoot: true` can be checked without a passwd file.
USER 65532:65532
EXPOSE 8443 8080
# Serving and draining; SIGKILL comes 45 s after it at the earliest.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/podreeve"]
# A certificate that it makes itself, for a try: the root file system can be read-only, /tmp is to be mounted.
CMD ["serve", "--self-signed", "/tmp/podreeve"]
