"""An application factory: one SIPVault object, any number of apps."""

from flask import Flask
from flask import render_template_string

from flask_sipvault import SIPVault

vault = SIPVault()


def create_app(**config) -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(config)
    vault.init_app(app)

    @app.get("/cdr")
    def cdr():
        return render_template_string("{{ sipvault_button('a1@example.com') }}")

    return app
