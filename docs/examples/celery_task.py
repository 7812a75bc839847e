"""A Celery task that makes a link. Without a request it needs SIPVAULT_BASE_URL."""

from celery import Celery
from factory_host import create_app

celery = Celery(__name__)
flask_app = create_app(SIPVAULT_BASE_URL="https://cdr.example.com")


@celery.task
def link_for_ticket(call_id: str) -> str:
    with flask_app.app_context():
        return flask_app.extensions["sipvault"].link(call_id)
