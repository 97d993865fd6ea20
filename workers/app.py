"""The instance that Celery's own commands ask for.  celery -A workers.app inspect active

Reads the environment when it is imported, and is the only module that does."""

import os

from rulefarm.settings import Settings
from workers.celery_app import create_worker_app

app = create_worker_app(Settings.from_env(os.environ))
