"""`make schemas`: write the schemas that the catalogue asks for, and remove all others."""

from events.schemas import FOLDER, files

for stale in set(FOLDER.glob("*.json")) - set(files()):
    stale.unlink()
for path, text in files().items():
    path.write_text(text)
