# One image for every function, the relays and the bridge: Kubernetes says which of them a container is.
FROM python:3.13-slim-trixie AS packages
COPY requirements.txt .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --no-compile --disable-pip-version-check --require-hashes -r requirements.txt \
 && /venv/bin/pip uninstall --yes pip
COPY functions /app/functions
COPY events /app/events
# Compiled now, since a container may not write, and a start from zero should not compile.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /venv /app

FROM python:3.13-slim-trixie
COPY --from=packages /venv /venv
COPY --from=packages /app /app
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 65532:65532
