# One image for all functions, the relays and the bridge: a container's command says which one it runs.
FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS slim

FROM slim AS packages
COPY requirements.txt .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --no-compile --disable-pip-version-check --require-hashes -r requirements.txt \
 && /venv/bin/pip uninstall --yes pip
# Symbols and type hints of parameters are a third of the size, and not needed at run time.
RUN apt-get update && apt-get install --yes --no-install-recommends binutils \
 && find /venv -name '*.so' -exec strip --strip-unneeded {} + \
 && rm -r /venv/lib/python*/site-packages/stripe/params
COPY functions /app/functions
COPY events /app/events
COPY ui /app/ui

# Compile here: the file system is read-only at run time, and a start from zero should not compile. unchecked-hash:
# Python does not compare the bytecode with its source, whose time stamps an image may change.
FROM packages AS compiled
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /venv /app

# The base image's standard library has no bytecode either. Remove what installs, draws or teaches.
FROM slim AS interpreter
RUN cd /usr/local/lib/python3.13 \
 && rm -rf config-* ensurepip idlelib lib2to3 pydoc_data site-packages/* test tkinter turtle* \
 && rm -rf /usr/local/include /usr/local/bin/idle* /usr/local/bin/pip* /usr/local/bin/pydoc* \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /usr/local/lib/python3.13

# One layer, so that removed files take no space.
FROM scratch AS base
COPY --from=interpreter / /
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 65532:65532

# The image of all pods under `skaffold dev`. Our files may be replaced while it runs, so they are not compiled.
FROM base AS dev
COPY --from=compiled /venv /venv
COPY --from=packages --chown=65532:65532 /app /app
COPY --chown=65532:65532 local/__init__.py /app/local/
COPY --chown=65532:65532 local/stripe_standin /app/local/stripe_standin

FROM base AS ticketing
COPY --from=compiled /venv /venv
COPY --from=compiled /app /app

# The payment provider's stand-in, for clusters that do not charge cards.
FROM ticketing AS stripe-standin
COPY local/__init__.py /app/local/
COPY local/stripe_standin /app/local/stripe_standin

# The default target.
FROM ticketing
