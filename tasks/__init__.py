"""The work of the farm: evaluate jobs, evaluate chunks, plan the nightly batch, ring again what was not heard.

Plain functions over what a worker process holds; `workers.app` makes Celery tasks of them."""
