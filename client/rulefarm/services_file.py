"""Where the embedded services of a home answer.  services.json -> [services_file] -> settings

Written by `workers.embedded` while they run; read here, by everybody else. Opens no connection."""

import json
from pathlib import Path

from rulefarm.errors import SettingsError

#: Written into the home directory by the embedded services while they run; holds their URLs, so it is mode 0600.
SERVICES_FILE = "services.json"


def running_services(home: Path) -> dict[str, str]:
    """The broker_url and database_url of the farm that runs in a home; nothing if none does.

    Raises:
        SettingsError: the file is there, and can't be read.
    """
    path = home / SERVICES_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {name: str(document[name]) for name in ("broker_url", "database_url")}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError:
        raise SettingsError(
            "home-not-readable",
            f"{path} can't be read: it is another user's",
            "set RULEFARM_HOME to a folder of this user's, or name broker and database by their URLs",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            "bad-services-file", f"{path} can't be read: {error}", "stop the farm there and start it again"
        ) from error
