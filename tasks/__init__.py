"""The work of the farm: evaluate jobs, evaluate chunks, plan the nightly batch, send again what has no verdict.

Plain functions over what a worker process holds; `workers.app` makes Celery tasks of them."""
