"""SIP VAULT for Flask: one click on a CDR row shows what happened to the call, and why.

What is imported from here is public and stable; everything else may change.
"""

from .access.links import LinkError as LinkError
from .access.links import LinkSigner as LinkSigner
from .analysis.document import call_document as call_document
from .analysis.explain import explain as explain
from .analysis.findings.model import EvidenceReference as EvidenceReference
from .analysis.findings.model import Finding as Finding
from .analysis.findings.rule import CatalogueEntry as CatalogueEntry
from .analysis.findings.rule import Rule as Rule
from .analysis.findings.rule import Texts as Texts
from .config.settings import SettingsError as SettingsError
from .evidence import Evidence as Evidence
from .extension import SIPVault as SIPVault
from .signals import call_opened as call_opened
from .signals import call_refused as call_refused
from .vault.vault import Vault as Vault

__version__ = "0.1.0"
