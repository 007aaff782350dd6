"""A portal in Django with its default middleware, all but the connect page; the person exists and signs in by name."""

import os
import sys
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    SECRET_KEY=os.environ["PORTAL_SECRET"], ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", LOGIN_URL="/login",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "portal.sqlite"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["."]}],
    # What `startproject` writes, but for the messages. The first one sends Referrer-Policy: same-origin.
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.middleware.clickjacking.XFrameOptionsMiddleware"],
)
django.setup()

from django.contrib.auth import login as sign_in  # noqa: E402: Django's models exist after setup()
from django.contrib.auth.models import User  # noqa: E402

from connect import connect  # noqa: E402


@csrf_exempt
def login(request):
    if request.method == "POST":
        sign_in(request, User.objects.get(username=request.POST["user"]))
        return HttpResponse(status=204)
    return HttpResponse("Who are you?")


urlpatterns = [path("connect", connect), path("login", login)]

call_command("migrate", verbosity=0)
User.objects.create_user(os.environ["PORTAL_USER"])
# The module that ran as a program is the one whose urlpatterns count.
assert sys.modules["__main__"].urlpatterns is urlpatterns
server = make_server("127.0.0.1", 0, get_wsgi_application())
print(server.server_port, flush=True)
server.serve_forever()
