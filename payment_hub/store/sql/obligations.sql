-- name: find_obligation
-- One obligation by its agency and the agency's reference, if the caller may see it.
{obligations} AND a.code = :agency AND b.reference = :reference

-- name: list_obligations
-- The obligations that a caller may see, newest first.
{obligations}
    AND (CAST(:agency AS text) IS NULL OR a.code = :agency)
    AND (CAST(:kind AS text) IS NULL OR b.kind = :kind)
    AND (CAST(:state AS text) IS NULL OR :state = CASE WHEN b.settled_by IS NOT NULL THEN {settled}
         WHEN b.withdrawn THEN {withdrawn} ELSE {owed} END)
    AND (CAST(:due_from AS date) IS NULL OR v.due_on >= :due_from)
    AND (CAST(:due_to AS date) IS NULL OR v.due_on <= :due_to)
    AND (CAST(:after AS bigint) IS NULL OR b.id < :after)
ORDER BY b.id DESC LIMIT :limit
