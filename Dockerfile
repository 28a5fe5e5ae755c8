# One image for every function, the relays and the bridge: Kubernetes says which of them a container is.
FROM python:3.13-slim-trixie AS packages
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

# Compiled now, since a container may not write, and a start from zero should not compile.
FROM packages AS compiled
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /venv /app

FROM python:3.13-slim-trixie AS base
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 65532:65532

# For `skaffold dev`: files may be replaced while it runs, so nothing is compiled and all of it may be written.
FROM base AS dev
COPY --from=packages /venv /venv
COPY --from=packages --chown=65532:65532 /app /app

FROM base AS ticketing
COPY --from=compiled /venv /venv
COPY --from=compiled /app /app

# The stand-in for the payment provider, for clusters that charge nobody.
FROM ticketing AS stripe-standin
COPY local/__init__.py /app/local/
COPY local/stripe_standin /app/local/stripe_standin

# What is built if no target is named.
FROM ticketing
