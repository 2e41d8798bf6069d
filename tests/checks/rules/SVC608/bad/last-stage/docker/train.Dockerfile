FROM python:3.11 AS build
USER app
RUN pip wheel .

FROM python:3.11-alpine
COPY --from=build /wheels /wheels
ENTRYPOINT ["rides"]
