# tidewheel with the extras that many hosts need. A project's image adds its folder:
#   FROM tidewheel
#   COPY --chown=tidewheel . /app
FROM python:3.12-slim AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
# LightGBM's OpenMP, which the slim image lacks.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home tidewheel \
    && mkdir /app /data \
    && chown tidewheel /app /data
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir "$(ls /wheels/tidewheel-*.whl)[postgres,redis,kafka,s3,grpc]"
USER 10001
# Compile once, into the image: a worker that starts finds the kernel's functions.
RUN python -c 'from tidewheel.kernel import warm; warm()'
WORKDIR /app
# Reached from outside the container, so workers do not start before a token was made:
#   docker run --rm -v fraud:/data shop/fraud tokens create shop --scope decide,ingest
ENV TIDEWHEEL_DATA=/data TIDEWHEEL_HOST=0.0.0.0
EXPOSE 8700
ENTRYPOINT ["tidewheel"]
CMD ["up"]
