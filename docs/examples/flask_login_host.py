"""A host with Flask-Login: only who is logged in may click or read."""

from flask import Flask
from flask import render_template_string
from flask_login import current_user
from flask_login import login_required
from flask_login import login_user
from flask_login import LoginManager
from flask_login import UserMixin

from flask_sipvault import SIPVault

login_manager = LoginManager()
vault = SIPVault()


class User(UserMixin):
    def __init__(self, name: str, customer: str) -> None:
        self.id = name
        self.customer = customer


USERS = {"alice": User("alice", "acme"), "bob": User("bob", "globex")}


@login_manager.user_loader
def load_user(name: str):
    return USERS.get(name)


@vault.guard
def operators_only():
    """Runs before every click and every call page; None lets the request through."""
    if not current_user.is_authenticated:
        return login_manager.unauthorized()
    return None


def customer_of_user() -> str:
    """Whose calls the buttons open. Nobody logged in: no button."""
    return current_user.customer if current_user.is_authenticated else ""


def create_app(**config) -> Flask:
    app = Flask(__name__)
    app.config.update(SIPVAULT_CUSTOMER_ID=customer_of_user, **config)
    login_manager.init_app(app)
    vault.init_app(app)

    @app.get("/login/<name>")
    def login(name: str):
        login_user(USERS[name])
        return "welcome"

    @app.get("/cdr")
    @login_required
    def cdr():
        return render_template_string("{{ sipvault_button('a1@example.com') }}")

    return app
