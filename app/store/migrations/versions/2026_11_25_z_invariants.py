"""Have the database itself refuse what must not be: changes of what was approved or posted, approvals by an editor, rule
versions outside their contract version.

Whoever can drop a trigger can do anything; the role the product works as cannot.
"""

from __future__ import annotations

from alembic import op

revision = "2026_11_25_z_invariants"
down_revision = "2026_11_25_whole_life"
branch_labels = None
depends_on = None

NEVER_CHANGE = (
    "contracts",
    "conversions",
    "named_lists",
    "list_versions",
    "saved_drafts",
    "approvals",
    "approval_policies",
    "statements",
    "billing_runs",
    "statement_lines",
)
NEVER_TRUNCATED = (*NEVER_CHANGE, "contract_versions", "rule_versions", "decisions", "partners", "programs", "api_keys")

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: its rows never change', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$
"""

# What a later approval, or somebody who takes it back, may still say of an approved row.
RETIREMENT = "'retired_at', 'retired_by', 'retired_because', 'replaced_by'"
# What may still be said of a submitted row: that it is approved, with the lists it is tied to, or that it is not.
ANSWER = "'state', 'approved_by', 'recorded_at', 'in_force_from', 'lists', 'closed_by', 'closed_at', 'closed_because'"
GUARD = f"""
CREATE FUNCTION guard_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  given integer;
  approvers text[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'draft' THEN
      RAISE EXCEPTION '% begins as a draft, not as %', NEW.id, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' THEN
    IF TG_TABLE_NAME = 'rule_versions' THEN
      -- An edit of a draft may take rules out of it; what it said is in the saved drafts.
      IF OLD.state = 'draft' AND EXISTS (
        SELECT FROM contract_versions v WHERE v.id = OLD.contract_version_id AND v.state = 'draft'
      ) THEN
        RETURN OLD;
      END IF;
    END IF;
    RAISE EXCEPTION '% cannot be deleted: it is withdrawn or retired instead', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  -- Who wrote a draft decides who cannot approve it: nobody is taken off that list.
  IF NOT OLD.editors <@ NEW.editors OR to_jsonb(NEW) -> 'created_by' <> to_jsonb(OLD) -> 'created_by'
     OR (NEW.id, NEW.number, NEW.created_at) <> (OLD.id, OLD.number, OLD.created_at)
     OR to_jsonb(NEW) -> 'contract_id' <> to_jsonb(OLD) -> 'contract_id'
     OR to_jsonb(NEW) -> 'contract_version_id' <> to_jsonb(OLD) -> 'contract_version_id' THEN
    RAISE EXCEPTION '% belongs where it was drafted, and whoever wrote it stays its editor', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.state = 'approved' AND (
    to_jsonb(NEW) - ARRAY[{RETIREMENT}] <> to_jsonb(OLD) - ARRAY[{RETIREMENT}]
    OR OLD.retired_at IS NOT NULL OR NEW.retired_at IS NULL
  ) THEN
    RAISE EXCEPTION '% is approved and never changes; it can be retired, once', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.state = 'submitted' AND to_jsonb(NEW) - ARRAY[{ANSWER}] <> to_jsonb(OLD) - ARRAY[{ANSWER}] THEN
    RAISE EXCEPTION '% is submitted: what it says does not change any more', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.state IN ('rejected', 'withdrawn') THEN
    RAISE EXCEPTION '% is % and never changes', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.state <> NEW.state AND NOT (OLD.state, NEW.state) IN (
    ('draft', 'submitted'), ('draft', 'withdrawn'),
    ('submitted', 'approved'), ('submitted', 'rejected'), ('submitted', 'withdrawn')
  ) THEN
    RAISE EXCEPTION '% cannot become % from %', OLD.id, NEW.state, OLD.state USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.state = 'submitted' AND NEW.state = 'approved' THEN
    IF TG_TABLE_NAME = 'contract_versions' THEN
      SELECT count(*), array_agg(a.approver) INTO given, approvers FROM approvals a
        WHERE a.contract_version_id = NEW.id AND a.content_hash = NEW.content_hash;
    ELSE
      -- Rules that were drafted with their contract version are approved with it; those that were added to it later
      -- need approvals of their own.
      SELECT count(*), array_agg(a.approver) INTO given, approvers FROM approvals a
        LEFT JOIN contract_versions v ON v.id = a.contract_version_id
        WHERE (a.rule_version_id = NEW.id AND a.content_hash = NEW.hash)
          OR (v.id = NEW.contract_version_id AND a.content_hash = v.content_hash
            AND (v.created_at, v.submitted_at, v.recorded_at) = (NEW.created_at, NEW.submitted_at, NEW.recorded_at));
    END IF;
    IF given < coalesce(NEW.approvals_needed, 1) THEN
      RAISE EXCEPTION '% has % of % approvals', OLD.id, given, coalesce(NEW.approvals_needed, 1)
        USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT NEW.approved_by = ANY (approvers) THEN
      RAISE EXCEPTION '% has not approved %', NEW.approved_by, OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$
"""

INSIDE = """
CREATE FUNCTION require_rules_inside() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  parent contract_versions%ROWTYPE;
  ends timestamptz;
BEGIN
  SELECT * INTO STRICT parent FROM contract_versions v WHERE v.id = NEW.contract_version_id;
  IF NEW.effective_from < parent.effective_from THEN
    RAISE EXCEPTION '% starts before its contract version %', NEW.id, parent.id USING ERRCODE = 'check_violation';
  END IF;
  IF parent.kind IN ('termination', 'expiry') THEN
    RAISE EXCEPTION '% has no rules: it ends the terms', parent.id USING ERRCODE = 'check_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF parent.state NOT IN ('draft', 'approved') THEN
      RAISE EXCEPTION '% is %: nothing is added to it', parent.id, parent.state USING ERRCODE = 'check_violation';
    END IF;
    IF parent.state = 'approved' AND NEW.created_at < parent.recorded_at THEN
      RAISE EXCEPTION '% is added to % and was not drafted with it', NEW.id, parent.id
        USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.state = 'approved' AND OLD.state <> 'approved' THEN
    IF parent.state <> 'approved' OR parent.retired_at IS NOT NULL THEN
      RAISE EXCEPTION '% is not in force, so % cannot be', parent.id, NEW.id USING ERRCODE = 'check_violation';
    END IF;
    SELECT min(v.in_force_from) INTO ends FROM contract_versions v
      WHERE v.contract_id = parent.contract_id AND v.recorded_at IS NOT NULL AND v.retired_at IS NULL
        AND v.in_force_from > parent.in_force_from;
    -- Rules that were drafted with their contract version may start after a version that was approved meanwhile; those
    -- that are added to it may not.
    IF NEW.in_force_from >= ends AND NEW.created_at > parent.created_at THEN
      RAISE EXCEPTION '% starts after its contract version % has ended', NEW.id, parent.id
        USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$
"""

APPROVAL = """
CREATE FUNCTION require_fit_approver() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrote text[];
  state text;
  content text;
BEGIN
  IF NEW.contract_version_id IS NOT NULL THEN
    SELECT v.editors || v.submitted_by, v.state, v.content_hash INTO STRICT wrote, state, content
      FROM contract_versions v WHERE v.id = NEW.contract_version_id;
  ELSE
    SELECT v.editors || v.submitted_by, v.state, v.hash INTO STRICT wrote, state, content
      FROM rule_versions v WHERE v.id = NEW.rule_version_id;
  END IF;
  IF state <> 'submitted' THEN
    RAISE EXCEPTION 'only what is submitted can be approved' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.approver = ANY (wrote) THEN
    RAISE EXCEPTION '% wrote or submitted it and cannot approve it', NEW.approver USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.content_hash <> content THEN
    RAISE EXCEPTION 'the approval is of other content' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""

ONLY_RETIRED = """
CREATE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.retired_at IS NOT NULL OR NEW.retired_at IS NULL
     OR NEW.digest <> OLD.digest OR NEW.record <> OLD.record OR NEW.amount <> OLD.amount
     OR NEW.outcome <> OLD.outcome OR NEW.id <> OLD.id OR NEW.recorded_at <> OLD.recorded_at
     OR NEW.conversion_id <> OLD.conversion_id OR NEW.program_id <> OLD.program_id OR NEW.revision <> OLD.revision
     OR NEW.event_at <> OLD.event_at OR NEW.currency <> OLD.currency OR NEW.before <> OLD.before
     OR (NEW.contract_id, NEW.contract_version, NEW.customer_order_number)
        IS DISTINCT FROM (OLD.contract_id, OLD.contract_version, OLD.customer_order_number) THEN
    RAISE EXCEPTION 'the decision % never changes; it can be retired, once', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
"""
FUNCTIONS = ("refuse_change", "guard_version", "require_rules_inside", "require_fit_approver", "guard_decision")


def upgrade() -> None:
    for function in (REFUSE, GUARD, INSIDE, APPROVAL, ONLY_RETIRED):
        op.execute(function)
    for table in NEVER_CHANGE:
        op.execute(
            f"CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW"
            " EXECUTE FUNCTION refuse_change()"
        )
    for table in NEVER_TRUNCATED:
        op.execute(
            f"CREATE TRIGGER never_truncated BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION refuse_change()"
        )
    for table in ("contract_versions", "rule_versions"):
        op.execute(
            f"CREATE TRIGGER guarded BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW"
            " EXECUTE FUNCTION guard_version()"
        )
    op.execute(
        "CREATE TRIGGER inside BEFORE INSERT OR UPDATE ON rule_versions FOR EACH ROW"
        " EXECUTE FUNCTION require_rules_inside()"
    )
    op.execute("CREATE TRIGGER fit BEFORE INSERT ON approvals FOR EACH ROW EXECUTE FUNCTION require_fit_approver()")
    op.execute(
        "CREATE TRIGGER guarded BEFORE UPDATE OR DELETE ON decisions FOR EACH ROW EXECUTE FUNCTION guard_decision()"
    )


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function} CASCADE")
