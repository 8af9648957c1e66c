"""What the language gives beyond the examples: keys, options, expressions, readings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import tidewheel as tw
from tidewheel.definitions import compile_declarations, ir, parse_duration
from tidewheel.definitions.compiling.expressions import text_of
from tidewheel.errors import DefinitionError


class User(tw.Entity):
    id: tw.Id
    born: datetime | None
    boss: tw.Ref[User] | None


class Post(tw.Event):
    id: tw.Id
    user: tw.Ref[User]
    topic: tw.Category
    forum: tw.Key
    length: int
    pinned: bool
    written: datetime


class Like(tw.Event):
    id: tw.Id
    post: tw.Ref[Post]
    user: tw.Ref[User]
    strength: float | None


def aggregates(group: type) -> dict[str, ir.Aggregate]:
    found = next(node for node in compile_declarations(group).groups if not node.attributes)
    return {feature.name: feature.value for feature in found.features if isinstance(feature.value, ir.Aggregate)}


def columns(view: type) -> dict[str, ir.Expr | ir.Derived]:
    return {column.name: column.value for column in compile_declarations(view).views[0].columns}


def test_keys_of_columns_and_of_several() -> None:
    class A(tw.Features, by=(User, Post.topic, Post.forum)):
        posts = tw.count(Post)
        likes = tw.count(Like)
        own = tw.count(Like, by=(Like.post.user, Post.topic, Like.post.forum))

    found = aggregates(A)
    assert found["posts"].keys == (("user",), ("topic",), ("forum",))
    assert found["likes"].keys == (("user",), ("post", "topic"), ("post", "forum"))
    assert found["own"].keys == (("post", "user"), ("post", "topic"), ("post", "forum"))
    assert compile_declarations(A).groups[0].by == ("User", "Post.topic", "Post.forum")


def test_a_group_by_an_event() -> None:
    class A(tw.Features, by=Post):
        likes = tw.count(Like)
        itself = tw.count(Post)
        by_id = tw.count(Like, by=Like.post.id)

    found = aggregates(A)
    assert found["likes"].keys == found["by_id"].keys == (("post",),)
    assert found["itself"].keys == (("id",),)

    class V(tw.View, on=Post):
        post = A

    assert compile_declarations(V).views[0].lookups == (ir.Lookup("post", "A", (("id",),)),)


def test_a_group_by_a_path() -> None:
    class A(tw.Features, by=Like.post.user):
        posts = tw.count(Post)
        likes = tw.count(Like)

    assert aggregates(A)["posts"].keys == (("user",),)
    assert aggregates(A)["likes"].keys == (("post", "user"),)
    assert compile_declarations(A).groups[0].by == ("Post.user",)


def test_a_group_by_id_is_a_group_by_the_thing() -> None:
    class A(tw.Features, by=User.id):
        posts = tw.count(Post, by=User)
        rows = tw.count(User)

    assert compile_declarations(A).groups[0].by == ("User",)
    assert aggregates(A)["rows"].keys == (("id",),)


def test_options_of_aggregates() -> None:
    class A(tw.Features, by=User):
        exact = tw.distinct(Post.topic, timedelta(days=7), exact_to=1000, default=0.0)
        fine = tw.count(Post, "10s", hop="1s")
        late = tw.mean(Like.strength, "1h", delay="20min", by=Like.user, where=~tw.transform.is_null(Like.strength))
        first = tw.first(Post.topic, default="none")
        newest = tw.max(Post.at, "30d")
        pinned = tw.last(Post.pinned)
        share = tw.mean(Post.pinned, "7d")
        spread = tw.std(Post.length * 2, "7d")
        smallest = tw.min(Post.length)
        topic = tw.last(Like.post.topic, "1d", by=Like.user)
        idle = tw.time_since_last(Post, was="since")

    found = aggregates(A)
    hour = 3_600_000_000
    assert found["exact"].exact_to == 1000
    assert (found["fine"].window, found["fine"].hop) == (10_000_000, 1_000_000)
    assert (found["late"].delay, found["late"].hop) == (20 * hour // 60, hour // 12)
    assert found["late"].where == ir.Call("not", (ir.Call("is_null", (ir.Col(("strength",)),)),))
    assert (found["first"].default, found["first"].text) == ("none", True)
    assert found["newest"].value == ir.Col(("at",))
    assert found["topic"].value == ir.Col(("post", "topic"))
    assert found["topic"].text
    assert not found["idle"].text
    assert found["spread"].value == ir.Call("mul", (ir.Col(("length",)), ir.Const(2.0)))


def test_expressions() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    class V(tw.View, on=Post):
        arithmetic = -(1 + abs(Post.length) - 2) * 3 / (4 - Post.length)
        reflected = (2 - Post.length) + (2 * Post.length) + (2 / Post.length) + (1 + Post.length)
        logic = (Post.length > 1) & ~Post.pinned | (Post.length <= 2) | (Post.length < 5) & (Post.length <= 6)
        odd = True & (Post.length != 3) | False
        odder = False | (Post.length >= 3)
        helpers = tw.transform.fill(
            tw.transform.log1p(tw.transform.minimum(Post.length, tw.transform.maximum(2, Post.length))), np.float64(0)
        )
        named = tw.isin(Post.topic, ["a", "b"])
        chosen = tw.transform.if_else(tw.not_(Post.pinned), Post.topic, "none")
        numbers = tw.transform.if_else(Post.pinned, Post.length, None)
        age = (Post.at - Post.written) / 86_400_000_000
        early = Post.written < moment
        soon = Post.at + timedelta(hours=1)
        born = Post.user.born
        boss = Post.user.boss
        user = Post.user
        user_id = Post.user.id
        older = tw.transform.minimum(Post.at, Post.written)
        nothing = tw.transform.fill(None, None)

    found = columns(V)
    texts = [column.name for column in compile_declarations(V).views[0].columns if column.text]
    assert texts == ["chosen", "boss", "user", "user_id"]
    assert text_of(found["arithmetic"]) == "((neg(((1 + abs(length)) - 2)) * 3) / (4 - length))"
    assert text_of(found["logic"]) == (
        "((((length > 1) & not(pinned)) | (length <= 2)) | ((length < 5) & (length <= 6)))"
    )
    assert text_of(found["odd"]) == "((True & (length != 3)) | False)"
    assert text_of(found["odder"]) == "(False | (length >= 3))"
    assert text_of(found["helpers"]) == "fill(log1p(minimum(length, maximum(2, length))), 0)"
    assert text_of(found["named"]) == "isin(topic, 'a', 'b')"
    assert text_of(found["early"]) == f"(written < {moment.timestamp() * 1e6:g})"
    assert found["soon"] == ir.Call("add", (ir.Col(("at",)), ir.Const(float(parse_duration("1h")))))
    assert found["user"] == found["user_id"] == ir.Col(("user",))
    assert found["boss"] == ir.Col(("user", "boss"))


def test_what_a_view_names_is_computed_once() -> None:
    class Lately(tw.Features, by=User):
        posts = tw.count(Post, "1d")
        topic = tw.last(Post.topic)

    class V(tw.View, on=Post):
        user = Lately
        long = Post.length > 100
        long_and_pinned = long & Post.pinned

        @tw.derived(Post.topic, user.topic, text=True)
        def both(now, last):  # type: ignore[no-untyped-def]
            return now + last

        @tw.derived()
        def again(long, both):  # type: ignore[no-untyped-def]
            return long

        @tw.derived("both", "user.posts", "long")
        def third(a, b, c):  # type: ignore[no-untyped-def]
            return a

        is_a = both == "a"

    found = columns(V)
    assert text_of(found["long_and_pinned"]) == "(long & pinned)"
    assert text_of(found["again"]) == "again(long, both)"
    assert text_of(found["third"]) == "third(both, user.posts, long)"
    assert text_of(found["is_a"]) == "(both == 'a')"
    assert {c.name: c.text for c in compile_declarations(V).views[0].columns}["both"]
    assert V.again.fn(1, 2) == 1

    class Other(tw.View, on=Post):
        both = V.both
        copied = V.long

    assert text_of(columns(Other)["both"]) == "both(topic, Lately.topic)"
    assert text_of(columns(Other)["copied"]) == "(length > 100)"


def test_a_column_may_name_a_later_expression() -> None:
    ratio = Post.length / 2

    class V(tw.View, on=Post):
        more = ratio + 1
        half = ratio

    assert text_of(columns(V)["more"]) == "(half + 1)"


def test_lookups_without_a_name() -> None:
    class Lately(tw.Features, by=User):
        posts = tw.count(Post, "1d")
        double = posts * 2

    class V(tw.View, on=Like):
        mine = tw.lookup(Lately, Like.user).posts + Lately.posts
        double = Lately.double

    view = compile_declarations(V).views[0]
    assert [lookup.keys for lookup in view.lookups] == [(("user",),)]
    assert text_of(view.columns[0].value) == "(Lately.0.posts + Lately.0.posts)"


def test_a_lookup_by_its_plain_key() -> None:
    class Lately(tw.Features, by=User):
        posts = tw.count(Post, "1d")

    class V(tw.View, on=Post):
        a = tw.lookup(Lately)

    assert compile_declarations(V).views[0].lookups == (ir.Lookup("a", "Lately", (("user",),)),)
    assert not hasattr(tw.lookup(Lately), "_nothing")


def test_a_reading_holds_its_values() -> None:
    class Lately(tw.Features, by=User):
        posts = tw.count(Post, "1d")

    reading = Lately(posts=3.0)
    assert reading.posts == 3.0
    assert repr(reading) == "Lately(posts=3.0)"
    assert reading == Lately(posts=3.0)
    assert repr(Lately.posts) == "<column Lately.posts>"
    with pytest.raises(AttributeError, match="holds no 'posts'"):
        Lately().posts  # noqa: B018
    with pytest.raises(DefinitionError, match="Lately has no feature 'post'; did you mean 'posts'"):
        Lately.post  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(TypeError):
        hash(reading)
    assert not hasattr(Lately, "_nothing")


def test_a_view_says_what_it_has() -> None:
    class V(tw.View, on=Post):
        length = Post.length

    with pytest.raises(DefinitionError, match="V has no column 'lengt'; did you mean 'length'"):
        V.lengt  # type: ignore[attr-defined]  # noqa: B018


class Label(tw.Model):
    class V(tw.View, on=Post):
        length = Post.length

    view = V
    label = tw.outcome(Like.strength, within="1d", otherwise=0.0, by=Like.post)
    retrain = "weekly"
    metrics = "mae"


def test_a_nested_view_is_no_attribute() -> None:
    with pytest.raises(DefinitionError, match="nobody reads 'V' of a Model"):
        compile_declarations(Label)


class Kept(tw.View, on=Post):
    length = Post.length


class Number(tw.Model):
    view = Kept
    label = tw.outcome(Like.strength, within="1d", otherwise=0.0, by=Like.post)
    retrain = "weekly"
    metrics = ["mae", "rmse"]
    gates = [tw.gate.at_most("mae", 2)]
    search = {"a": tw.tune.choice("x", 1, None, int), "b": tw.tune.float_range(0, 1)}
    trials = 7


class Base(tw.Model):
    view = Kept
    label = tw.happened(Like, within="1d")
    split = tw.temporal(test="7d", gap="2d")
    metrics = [tw.metric.recall_at(precision=0.9), "brier"]


class Child(Base):
    calibrate = tw.calibrate.platt()


def test_models_of_other_kinds() -> None:
    number, child = (compile_declarations(cls).models[0] for cls in (Number, Child))
    assert number.estimator == "lightgbm.sklearn.LGBMRegressor()"
    assert number.label == ir.Label("outcome", "Like", ("post",), 86_400_000_000, ir.Col(("strength",)), 0.0)
    assert number.retrain == ir.Retrain("weekly", metric="mae")
    assert number.trials == 7
    assert number.search == (
        '{"a":{"choices":["x",1,null,"builtins.int"],"kind":"choice"},"b":{"high":1,"kind":"float","low":0}}'
    )
    assert child.calibrate == "platt"
    assert child.metrics == ("recall_at(precision=0.9)", "brier")
    assert child.split == ir.Split(7 * 86_400_000_000, 2 * 86_400_000_000)


class Rules(tw.Service, on=Post):
    rules = [
        tw.rule("long", Post.length > 1000, then="hide"),
        tw.rule("odd", tw.transform.is_null(Post.user.born), then="ask"),
    ]
    decide = tw.thresholds(show=0.0)
    prevents = "hide"
    explore = "5%"


class Scored(tw.Service, on=Post):
    model = Base
    rules = [tw.rule("long", Post.length > 1000, then="hide")]


def test_services_of_other_kinds() -> None:
    graph = compile_declarations(Rules, Scored)
    rules, scored = graph.services
    assert rules.fallback == (ir.Fallback("action", action="show"),)
    assert rules.model == ""
    assert rules.explore == 0.05
    assert rules.prevents == ("hide",)
    assert [group.name for group in graph.groups] == ["User"]
    assert scored.thresholds == ()
    assert scored.fallback == (ir.Fallback("previous", model="Base"), ir.Fallback("action"))


def test_estimators_are_told_by_path_and_parameters() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    from tidewheel.definitions.compiling.models import describe

    text = describe(make_pipeline(StandardScaler(), FunctionTransformer(np.log1p), LogisticRegression(C=2.0)))
    assert text.startswith(
        "sklearn.pipeline.Pipeline(memory=None, steps=[('standardscaler', sklearn.preprocessing._data."
    )
    assert "C=2.0" in text
    assert "0x" not in text
    assert describe({"b": object(), "a": (1, [int])}) == "{'a': (1, [builtins.int]), 'b': builtins.object}"


def test_an_aggregate_is_told_in_words() -> None:
    class A(tw.Features, by=User):
        posts = tw.count(Post)
        long = tw.mean(Post.length * 2)

    assert [text_of(value) for value in aggregates(A).values()] == ["count(Post)", "mean((length * 2))"]


def test_a_text_reference_is_looked_up_late() -> None:
    class Reply(tw.Event):
        to: tw.Ref["Post"]  # noqa: UP037

    assert compile_declarations(Reply).sources[1].column("to") == ir.Column("to", "ref", "Post")
