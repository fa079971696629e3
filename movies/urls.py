"""The plain movie site."""

from django.urls import path

from movies import views

urlpatterns = [
    path("films/", views.films, name="films"),
    path("films/<int:pk>/", views.film, name="film"),
    path("directors/<int:pk>/", views.director, name="director"),
    path("visitor/", views.visitor, name="visitor"),
    path("votes/<slug:name>/", views.vote, name="vote"),
    path("forms/cached/", views.cached_form, name="cached-form"),
    path("forms/protected/", views.protected_form, name="protected-form"),
]
