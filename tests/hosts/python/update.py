"""A lead update by a host in Python: the component's values as wasmtime gives them, without generated code.

Arguments: the component's file, the server. Prints, as JSON, what each update came to.
"""

import json
import sys

from wasmtime import Engine, Store, WasiConfig
from wasmtime.component import Component, Linker, Record, Variant

LEAD = "adf21080-0e10-11eb-879b-05d71fb426ec"
LEADS = "workflow:http-task/leads@0.1.0"


def record(**members):
    """A record of WIT: names there have dashes."""
    made = Record()
    for name, value in members.items():
        setattr(made, name.replace("_", "-"), value)
    return made


def plain(value):
    """What JSON can hold of a value of WIT."""
    if isinstance(value, Variant):
        return {"tag": value.tag, "val": plain(value.payload)}
    if isinstance(value, Record):
        return {name: plain(member) for name, member in vars(value).items()}
    if isinstance(value, list):
        return [plain(element) for element in value]
    if isinstance(value, bytes):
        return value.decode()
    return value


def main(component, server):
    engine = Engine()
    linker = Linker(engine)
    linker.add_wasip2()
    linker.add_wasi_http()
    component = Component.from_file(engine, component)

    def update(*changes):
        # A store for each call, as for each call of the program's own host.
        store = Store(engine)
        store.set_wasi(WasiConfig())
        store.set_wasi_http()
        instance = linker.instantiate(store, component)
        function = instance.get_func(store, instance.get_export_index(store, "update", leads(instance, store)))
        step = record(lead_id=LEAD, changes=list(changes), credentials=None, server=server)
        return plain(function(store, step, record(idempotency_key=None)))

    def leads(instance, store):
        return instance.get_export_index(store, LEADS)

    outcomes = {
        "updated": update(
            Variant("title", "Chairs"),
            Variant("value", record(amount="12.50", currency="EUR")),
            Variant("organization-id", None),
            Variant("label-ids", []),
        ),
        "refused": update(Variant("title", "Chairs")),
        "invalid": update(Variant("title", " "), Variant("visible-to", "2")),
    }
    json.dump(outcomes, sys.stdout)


main(*sys.argv[1:])
