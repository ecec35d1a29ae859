import subprocess
import sys


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()


def test_the_server_comes_without_the_client():
    loaded = run_python(
        "import sys\n"
        "from hops.aiohttp_server import load_aiohttp_server\n"
        "load_aiohttp_server()\n"
        "import hops.serve\n"
        "print(*sys.modules)\n"
    )

    assert "aiohttp.web" in loaded
    assert not {"aiohttp.client", "aiohttp.connector"} & set(loaded)


def test_a_client_that_is_loaded_already_stays():
    loaded = run_python(
        "import aiohttp\n"
        "from hops.aiohttp_server import load_aiohttp_server\n"
        "load_aiohttp_server()\n"
        "print(aiohttp.ClientSession.__name__)\n"
    )

    assert loaded == ["ClientSession"]
