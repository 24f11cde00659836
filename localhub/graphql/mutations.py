"""The root of mutations. Each calls the service that REST calls, so that the same events follow."""

from __future__ import annotations

from localhub.graphql.mutations_house import HouseMutations
from localhub.graphql.mutations_issues import IssueMutations
from localhub.graphql.mutations_pulls import PullMutations
from localhub.graphql.mutations_refs import RefMutations
from localhub.graphql.mutations_reviews import ReviewMutations


class Mutation(HouseMutations, IssueMutations, PullMutations, RefMutations, ReviewMutations):
    """All of them."""
