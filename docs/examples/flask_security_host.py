"""A host with Flask-Security: its own decorator, laid over the vault as a guard."""

from flask import Flask
from flask import render_template_string
from flask_security import auth_required
from flask_security import Security
from flask_security.datastore import UserDatastore

from flask_sipvault import SIPVault

vault = SIPVault()


@vault.guard
@auth_required("session")
def operators_only():
    """Reached only by who is logged in: the decorator answers everybody else."""
    return


def create_app(datastore: UserDatastore, **config) -> Flask:
    app = Flask(__name__)
    app.config.update(**config)
    Security(app, datastore)
    vault.init_app(app)

    @app.get("/cdr")
    @auth_required("session")
    def cdr():
        return render_template_string("{{ sipvault_button('a1@example.com') }}")

    return app
