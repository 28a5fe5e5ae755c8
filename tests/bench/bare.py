"""The least that functions-framework can serve, and the least that can reserve a ticket: what we are compared with."""

import json
import os
from datetime import UTC, datetime

import functions_framework
from flask import Request


@functions_framework.http
def hello(_: Request) -> str:
    """Always the same."""
    return "ok"


@functions_framework.http
def reserve(request: Request) -> tuple[str, int]:
    """Verify the token, find the ticket, store order and event in one transaction: no more than that."""
    import jwt  # noqa: PLC0415 - hello is to start without it
    import pymongo  # noqa: PLC0415
    from bson import ObjectId  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    if request.path == "/healthz":
        return "ok", 200
    if "orders" not in globals():
        globals()["orders"] = pymongo.MongoClient[dict[str, object]](os.environ["MONGO_URI"]).get_default_database()
        globals()["key"] = load_pem_public_key(os.environ["SESSION_PUBLIC_KEYS"].encode())
    database = globals()["orders"]
    token = request.headers["Authorization"].removeprefix("Bearer ")
    user = jwt.decode(token, globals()["key"], algorithms=["EdDSA"])
    ticket = database["tickets"].find_one({"_id": ObjectId(request.get_json()["ticketId"])})
    snapshot = {"id": str(ticket["_id"]), "title": ticket["title"], "priceCents": ticket["priceCents"]}
    order = {"_id": ObjectId(), "userId": user["id"], "status": "created", "expiresAt": datetime.now(UTC)}
    order |= {"ticket": snapshot, "version": 0}
    event = {"_id": ObjectId(), "event": {**order, "_id": str(order["_id"])}}
    writes = [
        pymongo.InsertOne(row, namespace=f"{database.name}.{collection}")
        for collection, row in (("orders", order), ("outbox", event))
    ]
    with database.client.start_session() as session:
        session.with_transaction(lambda s: database.client.bulk_write(writes, session=s))
    return json.dumps(order, default=str), 201
