"""What Sel and Expl of the SQL panel answer: a statement's rows, or the database's plan for it."""

from debug_toolbar.decorators import require_show_toolbar
from debug_toolbar.panels.sql.utils import reformat_sql
from debug_toolbar.panels.sql.views import get_signed_data
from django.http import JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.csrf import csrf_exempt

from perflab.measure import repetition

from ..errors import error_page
from .store import FolderStore


@csrf_exempt  # the form is signed, and changes nothing
@require_show_toolbar
def select(request):
    """Send the rows of a statement, read anew."""
    return answer_for(request, "SQL selected", repetition.select)


@csrf_exempt
@require_show_toolbar
def explain(request):
    """Send the plan of a statement."""
    return answer_for(request, "SQL explained", repetition.explain)


def answer_for(request, title, repeat):
    """Return what a button answers for the statement that its signed form names.

    A refusal has the status 200: the toolbar shows the text of no other answer.
    """
    signed = get_signed_data(request)
    if not signed:
        return error_page(request, 400, "This is no form of the toolbar")
    statement = find_statement(signed["request_id"], signed["djdt_query_id"])
    if statement is None:
        title = "The toolbar has not kept this statement"
        return error_page(request, 410, title, "Open the page again.")
    context = {"title": title, "is_plan": repeat is repetition.explain}
    context |= {"duration": statement["duration"], "alias": statement["alias"]}
    try:
        answer = repeat(statement["raw_sql"], statement["params"], statement["alias"])
        rows = [[as_text(value) for value in row] for row in answer.rows]
        context |= {"headers": answer.headers, "rows": rows, "is_cut": answer.is_cut}
    except repetition.NotRepeated as reason:
        context["refusal"] = str(reason)
    context["sql"] = reformat_sql(statement["sql"], with_toggle=False)
    return JsonResponse({"content": render_to_string("perflab/toolbar/answer.html", context)})


def find_statement(request_id, statement_id):
    """Return what the toolbar has recorded of a statement, or None where it has not kept it."""
    if not FolderStore.exists(request_id):
        return None
    statements = FolderStore.panel(request_id, "SQLPanel").get("queries", [])
    return next((one for one in statements if one["djdt_query_id"] == statement_id), None)


def as_text(value):
    """Return a value of a row as the page can show it: bytes as hexadecimal digits."""
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value
