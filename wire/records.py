"""`dataclass`, without the price of the standard one.

The command line client starts anew for each command and pays for every import. The
`dataclasses` module brings `inspect`, `ast`, `dis` and `tokenize` (7 ms), and compiles
half a dozen methods for each class (0.5 ms); this one imports nothing and compiles one.
To type checkers it is the standard decorator.

Same as there: frozen, slots, defaults, `field`, equality, hash, repr, `match`, inheritance.
Not there: order, kw_only, init=False, ClassVar, InitVar, __post_init__, asdict, fields.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace

__all__ = ["dataclass", "field", "replace"]

if not TYPE_CHECKING:
    _MISSING = object()

    class field:  # noqa: N801 - the name of the standard library
        """A field's default, or how to make one, and what it takes part in."""

        def __init__(
            self, *, default=_MISSING, default_factory=None, repr=True, compare=True
        ):
            self.default = default
            self.factory = default_factory
            self.repr = repr
            self.compare = compare

    def dataclass(cls=None, *, frozen=False, slots=False):
        """Give the class the methods that its annotated fields imply."""
        if cls is None:
            return lambda each: dataclass(each, frozen=frozen, slots=slots)
        own = {name: _own_field(cls, name) for name in _annotated(cls)}
        inherited = getattr(cls, "__record_fields__", {})
        fields = {**inherited, **own}
        if slots:
            cls = _with_slots(cls, [name for name in own if name not in inherited])
        for name, method in _methods(fields, frozen).items():
            if name not in cls.__dict__ or cls.__dict__[name] is None:
                setattr(cls, name, method)
        cls.__record_fields__ = fields
        cls.__match_args__ = tuple(fields)
        cls.__init__.__qualname__ = f"{cls.__qualname__}.__init__"
        return cls

    def replace(record, /, **changes):
        """The same record with other values in these fields."""
        values = {n: getattr(record, n) for n in record.__record_fields__}
        return type(record)(**{**values, **changes})

    def _annotated(cls):
        # inspect.get_annotations is what we are here to do without
        return cls.__dict__.get("__annotations__", {})  # noqa: RUF063

    def _own_field(cls, name):
        default = cls.__dict__.get(name, _MISSING)
        if not isinstance(default, field):
            return field(default=default)
        if default.default is _MISSING:
            delattr(cls, name)
        else:
            setattr(cls, name, default.default)
        return default

    def _with_slots(cls, names):
        """The class anew: slots have to be there when a class is made."""
        members = {k: v for k, v in cls.__dict__.items() if k not in names}
        for name in ("__dict__", "__weakref__"):
            members.pop(name, None)
        members["__slots__"] = tuple(names)
        made = type(cls)(cls.__name__, cls.__bases__, members)
        made.__qualname__ = cls.__qualname__
        return made

    def _methods(fields, frozen):
        compared = [name for name, each in fields.items() if each.compare]
        shown = [name for name, each in fields.items() if each.repr]

        def values_of(record, names):
            return tuple([getattr(record, name) for name in names])

        def eq(self, other):
            if other.__class__ is not self.__class__:
                return NotImplemented
            return values_of(self, compared) == values_of(other, compared)

        def repr_(self):
            inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
            return f"{self.__class__.__qualname__}({inside})"

        def reduce_(self):
            return self.__class__, values_of(self, fields)

        methods = {
            "__init__": _init(fields, frozen),
            "__eq__": eq,
            "__repr__": repr_,
            "__reduce__": reduce_,
            "__hash__": None,
        }
        if frozen:

            def refuse(self, name, value=None):
                raise AttributeError(f"cannot assign to field {name!r}")

            methods["__hash__"] = lambda self: hash(values_of(self, compared))
            methods["__setattr__"] = methods["__delattr__"] = refuse
        return methods

    def _init(fields, frozen):
        """The one method that is compiled: it is called for each frame."""
        scope = {"_set": object.__setattr__}
        parameters, body = ["self"], []
        for name, each in fields.items():
            value = name
            if each.factory is not None:
                scope[f"_make_{name}"] = each.factory
                scope["_missing"] = _MISSING
                parameters.append(f"{name}=_missing")
                value = f"_make_{name}() if {name} is _missing else {name}"
            elif each.default is not _MISSING:
                scope[f"_default_{name}"] = each.default
                parameters.append(f"{name}=_default_{name}")
            else:
                parameters.append(name)
            set_it = (
                f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}"
            )
            body.append(f"    {set_it}\n")
        source = (
            f"def __init__({', '.join(parameters)}):\n{''.join(body) or '    pass'}"
        )
        exec(source, scope)  # noqa: S102 - our own text, as dataclasses does it
        return scope["__init__"]
