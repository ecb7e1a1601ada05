"""Counts made-up traffic once more, in another language and from the documentation alone.

Reports visitors' page views, conversions, leaves and crawlers to a site over the API, some of them twice, and works out what the
reports must say: visitors, visits, bounces, engaged time, days and hours of a time zone, and every row of the breakdowns. Then asks
for the reports, and reads the single events page by page and counts those, too. Uses nothing but the standard library.

    python3 recount.py URL API_KEY SITE_ID DOMAIN NOW_ISO ZONE
"""

import json
import random
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

URL, API_KEY, SITE_ID, DOMAIN, NOW, ZONE = sys.argv[1:]
NOW = datetime.fromisoformat(NOW.replace("Z", "+00:00"))
GAP = timedelta(minutes=30)
MEASURES = ("visitors", "visits", "pageviews", "events", "conversions", "referrals")
BROWSERS = {
    "Chrome": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Firefox": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0",
    "Safari": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1",
}
DEVICES = {"Chrome": "desktop", "Firefox": "desktop", "Safari": "phone"}
CRAWLERS = {
    "GPTBot": "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "bingbot": "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
}
draw = random.Random(20260514)


def ask(path, query=None, body=None):
    """The answer to a question; more than one value of a name is given as a list."""
    url = f"{URL}/api/v1{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    with urlopen(Request(url, data=None if body is None else json.dumps(body).encode(), headers=headers)) as response:
        return json.load(response)


def traffic():
    """What happened in the last 45 hours, in order: each a dictionary of what is known of it."""
    happened = []
    for who in range(60):
        browser = draw.choice(sorted(BROWSERS))
        at = NOW - timedelta(hours=45) + timedelta(seconds=draw.randrange(40 * 3600))
        number = 0
        while number < 25 and at < NOW - timedelta(minutes=5):
            number += 1
            name = "signup" if draw.random() < 0.15 else "pageview"
            view = {
                "kind": "event", "at": at, "who": who, "browser": browser, "name": name, "id": f"e-{who}-{number}",
                "page": f"/page-{draw.randrange(12)}", "assistant": draw.random() < 0.1, "plan": draw.choice([None, "pro", "free"]),
            }
            happened.append(view)
            if name == "pageview" and draw.random() < 0.4:
                left = at + timedelta(seconds=draw.randrange(1, 120))
                happened.append({"kind": "leave", "at": left, "who": who, "browser": browser, "view": view["id"],
                                 "page": view["page"], "engaged": draw.randrange(20_000)})
            # Around the gap that ends a visit, exactly on it included.
            at += draw.choice([timedelta(seconds=draw.randrange(121, 1_700)), GAP, GAP - timedelta(milliseconds=1),
                               timedelta(hours=draw.randrange(1, 6))])
    for number in range(90):
        happened.append({"kind": "bot", "at": NOW - timedelta(minutes=draw.randrange(40 * 60)), "id": f"b-{number}",
                         "bot": draw.choice(sorted(CRAWLERS)), "page": "/"})
    return sorted(happened, key=lambda one: one["at"])


def as_reported(one):
    """The body that says it to the server."""
    said = {"time": one["at"].isoformat(timespec="milliseconds"), "url": f"https://{DOMAIN}{one['page']}"}
    if one["kind"] == "bot":
        return {**said, "id": one["id"], "user_agent": CRAWLERS[one["bot"]]}
    said |= {"address": f"198.51.{one['who']}.7", "user_agent": BROWSERS[one["browser"]]}
    if one["kind"] == "leave":
        return {**said, "name": "leave", "view": one["view"], "engaged": one["engaged"]}
    if one["assistant"]:
        said["url"] += "?utm_source=chatgpt.com"
    if one["plan"] is not None:
        said["props"] = {"plan": one["plan"]}
    return {**said, "name": one["name"], "id": one["id"]}


def visits_of(happened):
    """A visitor's events of a UTC day without a gap of 30 minutes, with what was said of the time spent."""
    visits, of_view = [], {}
    newest = {}
    for one in happened:
        if one["kind"] == "bot":
            continue
        visitor = (one["at"].astimezone(timezone.utc).date(), one["who"])
        if one["kind"] == "leave":
            # What is said of a view counts for the visit that it was in.
            visit = newest.get(visitor)
            if visit is not None:
                of_view.setdefault((visitor[0], one["view"]), visit)["engaged"][one["view"]] = one["engaged"]
            continue
        visit = newest.get(visitor)
        if visit is None or one["at"] - visit["events"][-1]["at"] >= GAP:
            visit = {"visitor": visitor, "events": [], "engaged": {}}
            visits.append(visit)
            newest[visitor] = visit
        visit["events"].append(one)
    return visits


def measures(visits, bots, within=lambda at: True, wanted=lambda visit, event: True):
    """The numbers of a report: events by when they were, visits by when they began."""
    numbers, visitors, bounces, engaged = Counter(), set(), 0, 0
    for visit in visits:
        kept = [event for event in visit["events"] if wanted(visit, event)]
        for event in kept:
            if within(event["at"]):
                numbers["events"] += 1
                numbers["pageviews" if event["name"] == "pageview" else "conversions"] += 1
                visitors.add(visit["visitor"])
        if kept and within(visit["events"][0]["at"]):
            spent = sum(visit["engaged"].values())
            numbers["visits"] += 1
            numbers["referrals"] += visit["events"][0]["assistant"]
            engaged += spent
            bounces += len(visit["events"]) == 1 and visit["events"][0]["name"] == "pageview" and spent < 10_000
    numbers["visitors"] = len(visitors)
    numbers["bot_visits"] = sum(within(bot["at"]) for bot in bots)
    result = {name: numbers[name] for name in (*MEASURES, "bot_visits")}
    result["bounce_rate"] = round(bounces / numbers["visits"], 4) if numbers["visits"] else None
    result["engaged_time"] = round(engaged / 1000 / numbers["visits"], 3) if numbers["visits"] else None
    return result


compared, wrong = 0, []


def compare(what, answered, counted):
    """Notes a number that is not what it should be; fractions may differ in their last digit."""
    global compared
    for name, number in counted.items():
        compared += 1
        other = answered.get(name)
        if other != number and not (isinstance(number, float) and other is not None and abs(other - number) <= 0.00101):
            wrong.append(f"{what}: {name} is {other}, and was counted as {number}")


def every_event(query):
    """Single events, page by page."""
    cursor = {}
    while cursor is not None:
        page = ask(f"/sites/{SITE_ID}/events", {**query, "limit": 97, **cursor})
        yield from page["events"]
        cursor = None if page["next_cursor"] is None else {"cursor": page["next_cursor"]}


def main():
    happened = traffic()
    reports = [as_reported(one) for one in happened]
    for start in range(0, len(reports), 500):
        outcomes = ask(f"/sites/{SITE_ID}/events", body=reports[start:start + 500])["outcomes"]
        assert not [one for one in outcomes if one["outcome"] == "refused"], outcomes
    again = [report for report in reports if "id" in report][:200]
    assert {one["outcome"] for one in ask(f"/sites/{SITE_ID}/events", body=again)["outcomes"]} == {"duplicate"}

    zone = ZoneInfo(ZONE)
    visits, bots = visits_of(happened), [one for one in happened if one["kind"] == "bot"]
    events = [one for one in happened if one["kind"] == "event"]
    today = NOW.astimezone(zone).date()
    period = {"start": str(today - timedelta(days=4)), "end": str(today)}

    compare("stats", ask(f"/sites/{SITE_ID}/stats", period)["totals"], measures(visits, bots))
    stats = ask(f"/sites/{SITE_ID}/stats", period)
    compare("bots", {row["bot_name"]: row["count"] for row in stats["bot_breakdown"]}, Counter(one["bot"] for one in bots))
    compare("conversions", {row["event_name"]: row["count"] for row in stats["conversion_breakdown"]},
            Counter(one["name"] for one in events if one["name"] != "pageview"))

    for granularity, width in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        for point in ask(f"/sites/{SITE_ID}/timeseries", {**period, "granularity": granularity})["timeseries"]:
            start = datetime.fromisoformat(point["start"].replace("Z", "+00:00"))
            end = start + width
            if granularity == "day":
                local = start.astimezone(zone)
                end = datetime(local.year, local.month, local.day, tzinfo=zone) + width
                compare("the beginning of a day", {"local": local.strftime("%Y-%m-%d %H:%M")}, {"local": f"{point['date']} 00:00"})
            compare(f"{granularity} {point['date']}", point,
                    measures(visits, bots, lambda at, start=start, end=end: start <= at < end))

    dimensions = {
        "page": lambda visit, event: event["page"],
        "entry": lambda visit, event: visit["events"][0]["page"],
        "exit": lambda visit, event: visit["events"][-1]["page"],
        "event": lambda visit, event: event["name"],
        "browser": lambda visit, event: event["browser"],
        "device": lambda visit, event: DEVICES[event["browser"]],
        "source": lambda visit, event: "ChatGPT" if visit["events"][0]["assistant"] else None,
        "channel": lambda visit, event: "ai" if visit["events"][0]["assistant"] else "direct",
        "prop:plan": lambda visit, event: event["plan"],
    }
    for by, value_of in dimensions.items():
        rows = {row["value"]: row for row in ask(f"/sites/{SITE_ID}/breakdown", {**period, "by": by})["breakdown"]}
        values = {value_of(visit, event) for visit in visits for event in visit["events"]}
        if by.startswith("prop:"):
            values.discard(None)
        compare(f"by {by}", {"values": sorted(map(str, rows))}, {"values": sorted(map(str, values))})
        for value in values:
            wanted = lambda visit, event, value=value: value_of(visit, event) == value
            counted = measures(visits, [], wanted=wanted)
            compare(f"by {by}: {value}", rows.get(value, {}), counted)
            filtered = ask(f"/sites/{SITE_ID}/stats", {**period, "filter": f"{by}:{value or ''}"})["totals"]
            compare(f"filtered by {by}: {value}", filtered, counted)

    single = list(every_event(period))
    compare("single events", Counter(one["type"] for one in single),
            {"pageview": sum(one["name"] == "pageview" for one in events), "bot": len(bots),
             "conversion": sum(one["name"] != "pageview" for one in events)})
    by_page = defaultdict(int)
    for one in single:
        if one["type"] != "bot":
            by_page[one["path"]] += 1
    compare("pages of single events", by_page, Counter(one["page"] for one in events))
    compare("single events in time", {"times": sorted(one["timestamp"] for one in single if one["type"] != "bot")},
            {"times": sorted(one["at"].astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.")
                             + f"{one['at'].microsecond // 1000:03d}Z" for one in events)})
    ledger = ask(f"/sites/{SITE_ID}/ledger", {"start": str(NOW.date() - timedelta(days=4)), "end": str(NOW.date())})
    compare("ledger", ledger, {"accepted": len(events), "duplicate": len(again)})
    [site] = [one for one in ask("/sites")["sites"] if one["id"] == SITE_ID]
    compare("sites", site, {"events_this_month": len(events)})

    print(f"{compared} numbers of {len(events)} events, {len(visits)} visits and {len(bots)} bot visits compared, {len(wrong)} differ")
    print("\n".join(wrong[:20]))
    return 1 if wrong else 0


sys.exit(main())
