# One image for every function, the relays and the bridge: Kubernetes says which of them a container is.
FROM python:3.13.15-slim-trixie AS slim

FROM slim AS packages
COPY requirements.txt .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --no-compile --disable-pip-version-check --require-hashes -r requirements.txt \
 && /venv/bin/pip uninstall --yes pip
# What only debuggers and type checkers read is a third of it.
RUN apt-get update && apt-get install --yes --no-install-recommends binutils \
 && find /venv -name '*.so' -exec strip --strip-unneeded {} + \
 && rm -r /venv/lib/python*/site-packages/stripe/params
COPY functions /app/functions
COPY events /app/events

# Compiled now, since a container may not write, and a start from zero should not compile. unchecked: bytecode that
# does not ask after its source stays valid however an image keeps times.
FROM packages AS compiled
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /venv /app

# Python as it comes brings no bytecode either, and what installs, draws or teaches.
FROM slim AS interpreter
RUN cd /usr/local/lib/python3.13 \
 && rm -rf config-* ensurepip idlelib lib2to3 pydoc_data site-packages/* test tkinter turtle* \
 && rm -rf /usr/local/include /usr/local/bin/idle* /usr/local/bin/pip* /usr/local/bin/pydoc* \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /usr/local/lib/python3.13

# In one layer, so that what was removed takes no room.
FROM scratch AS base
COPY --from=interpreter / /
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 65532:65532

# For `skaffold dev`, every pod's image: files of ours may be replaced while it runs, so they are not compiled.
FROM base AS dev
COPY --from=compiled /venv /venv
COPY --from=packages --chown=65532:65532 /app /app
COPY --chown=65532:65532 local/__init__.py /app/local/
COPY --chown=65532:65532 local/stripe_standin /app/local/stripe_standin

FROM base AS ticketing
COPY --from=compiled /venv /venv
COPY --from=compiled /app /app

# The stand-in for the payment provider, for clusters that charge nobody.
FROM ticketing AS stripe-standin
COPY local/__init__.py /app/local/
COPY local/stripe_standin /app/local/stripe_standin

# What is built if no target is named.
FROM ticketing
