"""`make schemas`: write the schemas of the catalogue's events, and remove all others."""

from events.schemas import FOLDER, files

for stale in set(FOLDER.glob("*.json")) - set(files()):
    stale.unlink()
for path, text in files().items():
    path.write_text(text)
