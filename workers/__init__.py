"""The processes of the farm: the Celery app, its workers, the embedded services, their supervision, Flower."""
