"""Every setting: what it gives, and with what words it is refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from flask_caching import Cache

from flask_sipvault.config.settings import CollectorSettings
from flask_sipvault.config.settings import Customer
from flask_sipvault.config.settings import load
from flask_sipvault.config.settings import S3Access
from flask_sipvault.config.settings import Settings
from flask_sipvault.config.settings import SettingsError
from flask_sipvault.protocols.address import Endpoint

SECRET = "a-secret-of-acme"
ACME = {"id": "acme", "secret": SECRET}
GLOBEX = {"id": "globex", "secret": "a-secret-of-globex"}


def settings(*, environ: dict[str, str] | None = None, **config: Any) -> Settings:
    """Load with a secret and a folder, and the given settings in ``app.config``."""
    config = {"HMAC_SECRET": SECRET, "STORE": "/srv/vault"} | config
    return load({f"SIPVAULT_{name}": config[name] for name in config}, environ or {})


def refusal(**config: Any) -> SettingsError:
    """The error, of which no line may hold a secret."""
    with pytest.raises(SettingsError) as caught:
        settings(**config)
    error = caught.value
    assert SECRET not in str(error)
    assert str(error) == f"{error.setting} {error.problem}. {error.remedy}"
    assert error.remedy
    # Nor does what a traceback would print before it.
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    return error


class TestDefaults:
    def test_a_secret_is_all_it_takes(self, tmp_path: Path) -> None:
        assert load(
            {"SIPVAULT_HMAC_SECRET": SECRET}, {}, instance_path=str(tmp_path)
        ) == Settings(
            customers={
                "sippulse": Customer("sippulse", bucket="sippulse", secrets=(SECRET,))
            },
            customer_id="sippulse",
            default_customer=Customer("sippulse", "sippulse", secrets=(SECRET,)),
            shared_secret=False,
            base_url=None,
            url_prefix="",
            base_template=None,
            store=tmp_path / "sipvault",
            lookback_days=7,
            cache={"CACHE_TYPE": "SimpleCache"},
            collector=CollectorSettings(spool=tmp_path / "sipvault-spool"),
        )

    def test_the_default_store_is_told_in_the_log(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO, "flask_sipvault"):
            load({"SIPVAULT_HMAC_SECRET": SECRET}, {}, instance_path=str(tmp_path))
        assert str(tmp_path / "sipvault") in caplog.text

    def test_s3_settings_without_s3_are_told_in_the_log(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        environ = {
            "SIPVAULT_HMAC_SECRET": SECRET,
            "SIPVAULT_S3_ENDPOINT": "http://minio",
        }
        load({}, environ, instance_path=str(tmp_path))
        assert "SIPVAULT_STORE=s3" in caplog.text

    def test_without_an_instance_folder_a_store_must_be_named(self) -> None:
        with pytest.raises(SettingsError, match="SIPVAULT_STORE is missing"):
            load({"SIPVAULT_HMAC_SECRET": SECRET}, {})


class TestWhereSettingsComeFrom:
    def test_the_environment_gives_what_the_config_does_not(self) -> None:
        environ = {
            "SIPVAULT_HMAC_SECRET": SECRET,
            "SIPVAULT_STORE": "s3",
            "SIPVAULT_S3_ENDPOINT": "http://minio:9000/",
            "SIPVAULT_S3_REGION": "sa-east-1",
            "SIPVAULT_S3_ACCESS_KEY": "access",
            "SIPVAULT_S3_SECRET_KEY": "hidden",
            "SIPVAULT_CUSTOMERS": '[{"id": "acme", "bucket": "acme-calls"}]',
            "SIPVAULT_LOOKBACK_DAYS": "30",
            "SIPVAULT_SHARED_SECRET": "yes",
            "SIPVAULT_BASE_URL": "https://vault.example.com/",
            "SIPVAULT_CACHE": '{"CACHE_TYPE": "NullCache"}',
        }
        loaded = load({}, environ)
        assert loaded.store == S3Access(
            "http://minio:9000", "sa-east-1", "access", "hidden"
        )
        assert loaded.default_customer == Customer(
            "acme", "acme-calls", secrets=(SECRET,)
        )
        assert loaded.lookback_days == 30
        assert loaded.shared_secret is True
        assert loaded.base_url == "https://vault.example.com"
        assert loaded.cache == {"CACHE_TYPE": "NullCache"}

    def test_the_config_comes_before_the_environment(self) -> None:
        environ = {"SIPVAULT_LOOKBACK_DAYS": "3", "SIPVAULT_URL_PREFIX": "/vault"}
        loaded = settings(LOOKBACK_DAYS=14, URL_PREFIX="", environ=environ)
        assert (loaded.lookback_days, loaded.url_prefix) == (14, "")

    def test_none_in_the_config_leaves_it_to_the_environment(self) -> None:
        environ = {"SIPVAULT_LOOKBACK_DAYS": "3"}
        assert settings(LOOKBACK_DAYS=None, environ=environ).lookback_days == 3

    def test_an_empty_setting_is_not_set(self) -> None:
        environ = {
            f"SIPVAULT_{name}": "" for name in ("BASE_URL", "CACHE", "S3_REGION")
        }
        assert settings(BASE_TEMPLATE="", environ=environ) == settings()

    def test_an_unknown_name_warns_with_the_nearest(self) -> None:
        with pytest.warns(UserWarning, match="Did you mean SIPVAULT_LOOKBACK_DAYS"):
            settings(LOOKBACK=3)

    def test_a_name_like_nothing_warns_too(self) -> None:
        with pytest.warns(UserWarning, match="SIPVAULT_QQQ is unknown"):
            settings(QQQ=3)


class TestSecrets:
    @pytest.mark.parametrize("secret", [None, ""])
    def test_a_missing_secret(self, secret: str | None) -> None:
        error = refusal(HMAC_SECRET=secret)
        assert (error.setting, error.problem) == ("SIPVAULT_HMAC_SECRET", "is missing")

    @pytest.mark.parametrize(
        ("secret", "problem"),
        [
            ("YOUR_HMAC_SECRET_HERE", "placeholder"),
            ("your_hmac_secret_here", "placeholder"),
            (f"{SECRET}\n", "white space"),
            (f" {SECRET}", "white space"),
            ("short", "shorter than 16"),
            ("\udcff" * 8, "UTF-8"),
            (12345678, "int, not text"),
            ([], "empty list"),
            ([SECRET, ""], "is empty"),
            ('["a-good-secret", 1]', "int, not text"),
            (f'["{SECRET}"', "not valid JSON"),
        ],
    )
    def test_a_secret_that_must_not_be_used(self, secret: Any, problem: str) -> None:
        error = refusal(HMAC_SECRET=secret)
        assert error.setting == "SIPVAULT_HMAC_SECRET"
        assert problem in error.problem

    @pytest.mark.parametrize(
        ("config", "setting"),
        [
            ({"HMAC_SECRET": "aaaaaa"}, "SIPVAULT_HMAC_SECRET"),
            ({"HMAC_SECRET": [SECRET, "x"]}, "SIPVAULT_HMAC_SECRET, number 2"),
            ({"SHARE_KEY": "k" * 40}, "SIPVAULT_SHARE_KEY"),
            (
                {"CUSTOMERS": [ACME | {"secret": "passwordpassword"}]},
                "SIPVAULT_CUSTOMERS, 'acme': secret",
            ),
            (
                {"CUSTOMERS": [ACME | {"token": "changeme"}]},
                "SIPVAULT_CUSTOMERS, 'acme': token",
            ),
            (
                {"CUSTOMERS": [ACME | {"hep_auth_key": "myhep"}]},
                "SIPVAULT_CUSTOMERS, 'acme': hep_auth_key",
            ),
        ],
    )
    def test_a_weak_one_of_any_kind_is_refused_unless_that_is_asked_for(
        self, config: Any, setting: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        error = refusal(**config)
        assert error.setting == setting
        assert "secrets.token_hex(32)" in error.remedy
        assert "SIPVAULT_WEAK_SECRETS" in error.remedy
        loaded = settings(WEAK_SECRETS="true", **config)
        assert [each.setting for each in loaded.weak_secrets] == [setting]
        assert setting in caplog.text
        for value in ("aaaaaa", "changeme", "myhep", "passwordpassword", "kkkkk"):
            assert value not in f"{error} {caplog.text} {loaded!r}"

    def test_of_good_ones_there_is_nothing_to_say(self) -> None:
        assert settings(CUSTOMERS=[ACME, GLOBEX]).weak_secrets == ()

    def test_a_list_keeps_its_order(self) -> None:
        both = ("the-new-secret-of-acme", "the-old-secret-of-acme")
        for value in (list(both), both, json.dumps(both)):
            assert settings(HMAC_SECRET=value).default_customer.secrets == both

    def test_a_secret_may_begin_with_a_bracket(self) -> None:
        loaded = settings(HMAC_SECRET="[x]-secret-of-old")
        assert loaded.default_customer.secrets == ("[x]-secret-of-old",)

    def test_none_is_needed_where_no_link_is_made(self) -> None:
        config = {"SIPVAULT_STORE": "/srv", "SIPVAULT_CUSTOMERS": [{"id": "acme"}]}
        loaded = load(config, {}, need_secret=False)
        assert loaded.customers["acme"].secrets == ()

    def test_none_is_needed_where_every_customer_has_its_own(self) -> None:
        loaded = settings(HMAC_SECRET=None, CUSTOMERS=[ACME, GLOBEX])
        assert loaded.customers["globex"].secrets == ("a-secret-of-globex",)

    def test_it_is_for_the_default_customer_only(self) -> None:
        loaded = settings(CUSTOMERS=[{"id": "acme"}, GLOBEX], CUSTOMER_ID="acme")
        assert loaded.customers["acme"].secrets == (SECRET,)
        error = refusal(CUSTOMERS=[{"id": "acme"}, GLOBEX], CUSTOMER_ID="globex")
        assert "'acme' no secret" in error.problem
        assert "SIPVAULT_SHARED_SECRET" in error.remedy

    def test_a_customers_own_secret_comes_first(self) -> None:
        own = settings(HMAC_SECRET="a-secret-for-nobody", CUSTOMERS=[ACME])
        assert own.default_customer.secrets == (SECRET,)

    def test_two_customers_must_not_share_one(self) -> None:
        for theirs in (SECRET, ["a-secret-of-globex", SECRET]):
            error = refusal(CUSTOMERS=[ACME, {"id": "globex", "secret": theirs}])
            assert "'acme' and 'globex' the same secret" in error.problem

    def test_two_customers_may_share_one_where_that_is_asked_for(self) -> None:
        loaded = settings(
            CUSTOMERS=[{"id": "acme"}, {"id": "globex"}], SHARED_SECRET=True
        )
        assert {c.secrets for c in loaded.customers.values()} == {(SECRET,)}

    @pytest.mark.parametrize("value", ["perhaps", 2, "tru"])
    def test_sharing_is_a_matter_of_true_or_false(self, value: Any) -> None:
        assert refusal(SHARED_SECRET=value).setting == "SIPVAULT_SHARED_SECRET"

    @pytest.mark.parametrize(("value", "conceals"), [("false", False), (True, True)])
    def test_receivers_of_g711_may_be_said_to_conceal_nothing(
        self, value: Any, conceals: bool
    ) -> None:
        assert settings(G711_PLC=value).g711_concealment is conceals
        assert settings().g711_concealment

    @pytest.mark.parametrize("value", ["4.2, 3.5,3", [4.2, 3.5, 3], "[4.2, 3.5, 3]"])
    def test_the_words_for_a_mos_can_be_set(self, value: Any) -> None:
        scale = settings(MOS_THRESHOLDS=value).scale
        assert (scale.good, scale.fair, scale.poor) == (4.2, 3.5, 3)

    def test_the_words_for_a_mos_are_the_agents_by_themselves(self) -> None:
        scale = settings(G711_PLC=False).scale
        assert (scale.good, scale.fair, scale.poor) == (3.6, 3.1, 2.5)
        assert scale.g711_concealment is False

    @pytest.mark.parametrize(
        "value",
        ["good", "3.6, 3.1", "3.1, 3.6, 2.5", [6, 3, 2], "3, 2, nan", 3.6, [None] * 3],
    )
    def test_a_mos_that_does_not_fall_is_refused(self, value: Any) -> None:
        error = refusal(MOS_THRESHOLDS=value)
        assert error.setting == "SIPVAULT_MOS_THRESHOLDS"

    def test_nothing_secret_is_shown(self) -> None:
        hidden = [
            "hidden-hmac-of-acme",
            "hidden-token-of-acme",
            "hidden-hep-of-acme",
            "hidden-s3",
            "hidden-pw",
        ]
        customer = {
            "id": "acme",
            "bucket": "acme-calls",
            "secret": hidden[0],
            "token": hidden[1],
            "hep_auth_key": hidden[2],
        }
        loaded = settings(
            CUSTOMERS=[customer],
            STORE="s3",
            S3_ACCESS_KEY="hidden-access",
            S3_SECRET_KEY=hidden[3],
            CACHE={"CACHE_TYPE": "RedisCache", "CACHE_REDIS_PASSWORD": hidden[4]},
        )
        for shown in (loaded, loaded.store, loaded.default_customer):
            assert "hidden" not in repr(shown)
            assert "hidden" not in str(shown)


class TestStoreMode:
    @pytest.mark.parametrize("value", ["0640", "640", "0o640", 0o640])
    def test_it_is_what_chmod_takes(self, value: Any) -> None:
        assert settings(STORE_MODE=value).store_mode == 0o640
        assert settings().store_mode == 0o600

    @pytest.mark.parametrize("value", ["0755", "0440", "rw", 640, True, "0o9", "066"])
    def test_anything_else_is_refused(self, value: Any) -> None:
        assert refusal(STORE_MODE=value).setting == "SIPVAULT_STORE_MODE"


class TestCustomers:
    def test_everything_that_one_may_have(self) -> None:
        entry = {
            "id": "globex corp/eu",
            "bucket": "globex",
            "prefix": "voice/site-1",
            "secret": ["the-new-secret-of-acme", "the-old-secret-of-acme"],
            "token": "the-token-of-globex",
            "hep_auth_key": ["the-first-key-of-globex", "the-second-key-of-globex"],
            "hep_sources": ["192.0.2.1", "2001:db8::/32"],
        }
        expected = Customer(
            "globex corp/eu",
            "globex",
            "voice/site-1",
            secrets=("the-new-secret-of-acme", "the-old-secret-of-acme"),
            tokens=("the-token-of-globex",),
            hep_auth_keys=("the-first-key-of-globex", "the-second-key-of-globex"),
            hep_sources=("192.0.2.1", "2001:db8::/32"),
        )
        for value in ([entry], (entry,), json.dumps([entry])):
            assert settings(CUSTOMERS=value).default_customer == expected

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            ("[{", "not valid JSON"),
            ("nonsense", "not valid JSON"),
            ('{"id": "acme"}', "not a list"),
            ({"id": "acme"}, "not a list"),
            (7, "not a list"),
            ([], "no customer"),
            (["acme"], "no customer as entry 1"),
            ([ACME, ACME | {"bucket": "other"}], "'acme' twice"),
            ([ACME | {"buckets": "x"}], "unknown key 'buckets'"),
            ([{"secret": SECRET}], "NoneType, not text"),
            ([{"id": ""}], "empty"),
            ([{"id": " acme"}], "white space"),
            ([{"id": "a\nb"}], "control character"),
            ([{"id": 7}], "int, not text"),
            ([{"id": "x" * 256}], "longer than 255"),
            ([ACME | {"secret": f"{SECRET} "}], "white space"),
            ([ACME | {"secret": "changeme"}], "placeholder"),
            ([ACME | {"token": ""}], "empty"),
            ([ACME | {"hep_sources": ["192.0.2.300"]}], "192.0.2.300"),
            ([ACME | {"hep_sources": "localhost"}], "localhost"),
        ],
    )
    def test_what_is_wrong_with_one(self, value: Any, problem: str) -> None:
        error = refusal(CUSTOMERS=value)
        assert error.setting.startswith("SIPVAULT_CUSTOMERS")
        assert problem in error.problem

    def test_an_unknown_key_is_answered_with_the_nearest(self) -> None:
        error = refusal(CUSTOMERS=[ACME | {"tokens": "x"}])
        assert error.remedy == "Did you mean token?"

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"bucket": "b"}, {"bucket": "b"}),
            ({"bucket": "b", "prefix": "p"}, {"bucket": "b", "prefix": "p"}),
            ({"bucket": "b"}, {"bucket": "b", "prefix": "calls"}),
            ({"bucket": "globex"}, {}),
        ],
    )
    def test_two_in_the_same_place(self, one: Any, other: Any) -> None:
        for pair in ([ACME | one, GLOBEX | other], [GLOBEX | other, ACME | one]):
            assert "in the same place" in refusal(CUSTOMERS=pair).problem

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"bucket": "b"}, {"bucket": "c"}),
            ({"bucket": "b", "prefix": "p"}, {"bucket": "b", "prefix": "p2"}),
            ({"bucket": "b"}, {"bucket": "b", "prefix": "p"}),
            ({}, {}),
        ],
    )
    def test_two_in_different_places(self, one: Any, other: Any) -> None:
        assert len(settings(CUSTOMERS=[ACME | one, GLOBEX | other]).customers) == 2

    def test_one_hep_key_does_not_tell_two_apart(self) -> None:
        key = {"hep_auth_key": "the-first-key-of-globex"}
        error = refusal(CUSTOMERS=[ACME | key, GLOBEX | key])
        assert "same hep_auth_key" in error.problem

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.0/24"),
            (["198.51.100.1", "2001:db8::/32"], ["192.0.2.1", "2001:db8:1::/48"]),
        ],
    )
    def test_one_hep_source_does_not_tell_two_apart(self, one: Any, other: Any) -> None:
        error = refusal(
            CUSTOMERS=[ACME | {"hep_sources": one}, GLOBEX | {"hep_sources": other}]
        )
        assert "hep_sources in common" in error.problem

    def test_hep_sources_of_two_kinds_are_apart(self) -> None:
        four, six = {"hep_sources": "0.0.0.0/0"}, {"hep_sources": "::/0"}
        assert settings(CUSTOMERS=[ACME | four, GLOBEX | six])


class TestDefaultCustomer:
    def test_it_may_have_any_name(self) -> None:
        loaded = settings(CUSTOMER_ID="globex corp/eu")
        assert loaded.customer_id == "globex corp/eu"
        assert loaded.default_customer.bucket == "globex%20corp%2Feu"

    def test_it_must_be_listed(self) -> None:
        error = refusal(CUSTOMERS=[ACME], CUSTOMER_ID="acmee")
        assert error.setting == "SIPVAULT_CUSTOMER_ID"
        assert error.remedy == "Did you mean acme?"

    def test_it_is_the_first_listed_where_none_is_named(self) -> None:
        loaded = settings(CUSTOMERS=[GLOBEX, ACME])
        assert loaded.customer_id == "globex"
        assert loaded.default_customer.id == "globex"

    def test_it_is_the_guides_where_that_is_listed(self) -> None:
        guides = {"id": "sippulse"}
        assert settings(CUSTOMERS=[GLOBEX, guides]).customer_id == "sippulse"

    def test_a_callable_may_tell_it(self) -> None:
        def current() -> str:
            return "globex"

        loaded = settings(CUSTOMERS=[ACME, GLOBEX], CUSTOMER_ID=current)
        assert loaded.customer_id is current
        assert loaded.default_customer.id == "acme"
        alone = settings(CUSTOMER_ID=current)
        assert alone.default_customer.id == "sippulse"

    @pytest.mark.parametrize("value", [7, " acme", "a\0b", "acme\n"])
    def test_what_is_no_id(self, value: Any) -> None:
        assert refusal(CUSTOMER_ID=value).setting == "SIPVAULT_CUSTOMER_ID"


class TestBuckets:
    @pytest.mark.parametrize("bucket", ["acme-calls", "a.b", "123", "x" * 63])
    def test_names_that_s3_takes(self, bucket: str) -> None:
        loaded = settings(STORE="s3", CUSTOMERS=[ACME | {"bucket": bucket}])
        assert loaded.default_customer.bucket == bucket

    @pytest.mark.parametrize(
        "bucket",
        [
            "ab",
            "x" * 64,
            "Acme",
            "a_b",
            "a..b",
            "-ab",
            "ab-",
            "a/b",
            "192.0.2.1",
            "",
            7,
        ],
    )
    def test_names_that_s3_does_not_take(self, bucket: Any) -> None:
        error = refusal(STORE="s3", CUSTOMERS=[ACME | {"bucket": bucket}])
        assert error.setting == "SIPVAULT_CUSTOMERS, 'acme': bucket"

    @pytest.mark.parametrize("config", [{}, {"CUSTOMERS": [ACME]}])
    def test_s3_needs_one_named(self, config: dict[str, Any]) -> None:
        error = refusal(STORE="s3", **config)
        assert "names no bucket" in error.problem
        assert '"bucket"' in error.remedy

    @pytest.mark.parametrize(
        ("customer_id", "folder"),
        [
            ("acme", "acme"),
            (".", "%2E"),
            ("..", "%2E."),
            ("../acme", "%2E.%2Facme"),
            (".hidden", "%2Ehidden"),
            ("/etc", "%2Fetc"),
            ("a\\b", "a%5Cb"),
            ("c:", "c%3A"),
            ("ação", "a%C3%A7%C3%A3o"),
        ],
    )
    def test_a_customers_folder_stays_within_the_store(
        self, customer_id: str, folder: str
    ) -> None:
        assert settings(CUSTOMER_ID=customer_id).default_customer.bucket == folder

    @pytest.mark.parametrize("bucket", ["..", ".", "a/b", "/etc", "a\\b", "", "c:x", 7])
    def test_names_that_are_no_folder(self, bucket: Any) -> None:
        error = refusal(CUSTOMERS=[ACME | {"bucket": bucket}])
        assert error.setting == "SIPVAULT_CUSTOMERS, 'acme': bucket"

    def test_an_id_too_long_for_a_folder_needs_a_bucket_named(self) -> None:
        assert "bucket" in refusal(CUSTOMERS=[{"id": "ç" * 99}]).setting

    @pytest.mark.parametrize(
        "prefix",
        [
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "a/.",
            "a\\b",
            " a",
            "a\n",
            ".a",
            "ação",
            "a b",
            7,
        ],
    )
    def test_a_prefix_of_keys_is_plain(self, prefix: Any) -> None:
        error = refusal(CUSTOMERS=[ACME | {"prefix": prefix}])
        assert error.setting == "SIPVAULT_CUSTOMERS, 'acme': prefix"


class TestStore:
    @pytest.mark.parametrize(
        "value",
        ["/srv/vault", "folder:/srv/vault", Path("/srv/vault")],
    )
    def test_a_folder(self, value: Any) -> None:
        assert settings(STORE=value).store == Path("/srv/vault")

    def test_a_relative_folder_is_taken_from_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert settings(STORE="calls").store == tmp_path / "calls"

    @pytest.mark.parametrize(
        "value",
        ["folder:", "s3://bucket", "gs://bucket", "file:/srv", 7, "/a\0b", " /a"],
    )
    def test_what_is_no_store(self, value: Any) -> None:
        assert refusal(STORE=value).setting == "SIPVAULT_STORE"

    @pytest.mark.parametrize(
        ("have", "missing"), [("ACCESS", "SECRET"), ("SECRET", "ACCESS")]
    )
    def test_s3_keys_come_in_pairs(self, have: str, missing: str) -> None:
        error = refusal(**{f"S3_{have}_KEY": SECRET})
        assert error.setting == f"SIPVAULT_S3_{missing}_KEY"

    def test_an_s3_key_with_white_space(self) -> None:
        error = refusal(S3_ACCESS_KEY="access", S3_SECRET_KEY=f"{SECRET}\n")
        assert error.setting == "SIPVAULT_S3_SECRET_KEY"


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        ["https://vault.example.com", "http://[2001:db8::1]:8080/vault", "http://a"],
    )
    def test_what_is_one(self, url: str) -> None:
        assert settings(BASE_URL=url).base_url == url
        assert settings(BASE_URL=f"{url}/").base_url == url

    @pytest.mark.parametrize("name", ["BASE_URL", "S3_ENDPOINT"])
    @pytest.mark.parametrize(
        "url",
        [
            "vault.example.com",
            "vault:443",
            "ftp://vault",
            "https://",
            "https:///path",
            "https://vault:port",
            "https://vault:70000",
            "https://[::1",
            "https://vault/?a=b",
            "https://vault/#a",
            "https://vault/a b",
            "https://vault\n",
            f"https://user:{SECRET}@vault",
            "javascript:alert(1)",
            7,
        ],
    )
    def test_what_is_none(self, name: str, url: Any) -> None:
        assert refusal(**{name: url}).setting == f"SIPVAULT_{name}"

    @pytest.mark.parametrize("prefix", ["/vault", "/a/b", "/v1.0"])
    def test_a_prefix_of_paths(self, prefix: str) -> None:
        assert settings(URL_PREFIX=prefix).url_prefix == prefix

    @pytest.mark.parametrize(
        "prefix",
        [
            "/",
            "vault",
            "/vault/",
            "//",
            "/a//b",
            "/..",
            "/a b",
            "/<x>",
            "/a?b",
            "/á",
            7,
        ],
    )
    def test_what_is_no_prefix_of_paths(self, prefix: Any) -> None:
        assert refusal(URL_PREFIX=prefix).setting == "SIPVAULT_URL_PREFIX"


class TestLookback:
    @pytest.mark.parametrize("days", [0, 1, 7, "30", 3650])
    def test_whole_days(self, days: Any) -> None:
        assert settings(LOOKBACK_DAYS=days).lookback_days == int(days)

    @pytest.mark.parametrize(
        "days", [-1, 7.0, "7.5", "seven", "-7", "٧", True, 3651, "9" * 5000, []]
    )
    def test_anything_else(self, days: Any) -> None:
        assert refusal(LOOKBACK_DAYS=days).setting == "SIPVAULT_LOOKBACK_DAYS"


class TestCache:
    @pytest.mark.parametrize(
        "value",
        ["NullCache", {"CACHE_TYPE": "NullCache"}, '{"CACHE_TYPE": "NullCache"}'],
    )
    def test_a_type_or_a_dict(self, value: Any) -> None:
        assert settings(CACHE=value).cache == {"CACHE_TYPE": "NullCache"}

    def test_the_hosts_own_cache(self) -> None:
        cache = Cache()
        assert settings(CACHE=cache).cache is cache

    @pytest.mark.parametrize(
        "value",
        [
            {},
            {"CACHE_TYPE": ""},
            {"CACHE_DEFAULT_TIMEOUT": 5},
            {"CACHE_TYPE": "RedisCache", "REDIS_PASSWORD": SECRET},
            f'{{"CACHE_REDIS_URL": "redis://:{SECRET}@host"',
            7,
            ["SimpleCache"],
            " SimpleCache",
        ],
    )
    def test_what_is_none(self, value: Any) -> None:
        assert refusal(CACHE=value).setting == "SIPVAULT_CACHE"


def test_the_base_template_is_named() -> None:
    assert settings(BASE_TEMPLATE="host/base.html").base_template == "host/base.html"
    assert refusal(BASE_TEMPLATE=7).setting == "SIPVAULT_BASE_TEMPLATE"


class TestLegHeaders:
    def test_a_list_or_a_text_with_commas(self) -> None:
        assert settings(LEG_HEADERS=["X-Leg", "X-Twin"]).leg_headers == (
            "X-Leg",
            "X-Twin",
        )
        assert settings(environ={"SIPVAULT_LEG_HEADERS": "X-Leg, X-Twin"}) == settings(
            LEG_HEADERS=["X-Leg", "X-Twin"]
        )

    @pytest.mark.parametrize("name", ["X CID", "X-CID:", "Kopfzeile-ä", "", "X-A,,X-B"])
    def test_what_is_no_header_name(self, name: str) -> None:
        if name:
            assert refusal(LEG_HEADERS=name).setting == "SIPVAULT_LEG_HEADERS"
        assert refusal(LEG_HEADERS=[name]).setting == "SIPVAULT_LEG_HEADERS"


class TestSharing:
    KEY = "a key of the tests, long enough."

    def test_it_is_off(self) -> None:
        assert settings().sharing.max_days == 0

    def test_it_is_on_by_days_and_a_key(self) -> None:
        shared = settings(SHARE_MAX_DAYS="14", SHARE_KEY=self.KEY).sharing
        assert (shared.max_days, shared.key) == (14, self.KEY)
        assert self.KEY not in repr(shared)

    def test_a_key_alone_switches_nothing_on(self) -> None:
        assert settings(SHARE_KEY=self.KEY).sharing.max_days == 0

    def test_a_key_is_needed(self) -> None:
        error = refusal(SHARE_MAX_DAYS=14)
        assert (error.setting, error.problem[:10]) == (
            "SIPVAULT_SHARE_KEY",
            "is missing",
        )

    @pytest.mark.parametrize("key", ["k" * 31, " " + "k" * 40, 7, ["k" * 32]])
    def test_a_key_that_is_none(self, key: Any) -> None:
        error = refusal(SHARE_MAX_DAYS=1, SHARE_KEY=key)
        assert error.setting == "SIPVAULT_SHARE_KEY"
        assert str(key) not in str(error) or key == 7

    @pytest.mark.parametrize("days", [-1, 366, "many", 1.5])
    def test_days_that_are_none(self, days: Any) -> None:
        error = refusal(SHARE_MAX_DAYS=days, SHARE_KEY=self.KEY)
        assert error.setting == "SIPVAULT_SHARE_MAX_DAYS"


class TestAliases:
    @pytest.mark.parametrize(
        "value", [{"10.8.0.0/16": "SBC-1"}, '{"10.8.0.0/16": "SBC-1"}']
    )
    def test_name_addresses_and_networks(self, value: Any) -> None:
        assert settings(ALIASES=value).aliases.name(Endpoint("10.8.0.14", 0)) == "SBC-1"
        assert settings().aliases.name(Endpoint("10.8.0.14", 0)) == ""

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ({"sbc.example.com": "SBC-1"}, "'sbc.example.com' is neither an address"),
            ({"10.8.0.14/16": "SBC-1"}, "did you mean 10.8.0.0/16?"),
            ({"10.8.0.14": 7}, "is int, not text"),
            ({"10.8.0.14": ""}, "is empty"),
            ({10: "SBC-1"}, "has the key 10, no text"),
            (["10.8.0.14"], "is list, no dict"),
            ("10.8.0.14=SBC-1", "is not valid JSON"),
        ],
    )
    def test_of_anything_else_are_refused(self, value: Any, said: str) -> None:
        error = refusal(ALIASES=value)
        assert error.setting.startswith("SIPVAULT_ALIASES")
        assert said in str(error)
