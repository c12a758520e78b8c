"""The application for a WSGI server of your own: `gunicorn wsgi:app`. `termline serve` needs none."""

from app.factory import served_app
from app.settings import settings_from

app = served_app(settings_from())
