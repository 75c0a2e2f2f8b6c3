"""`python -m editors.generator`, which is `make editors`."""

from __future__ import annotations

from editors.generator.files import generated_files


def main() -> None:
    """Write all files."""
    for path, text in generated_files().items():
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
