-- The columns of the tables that we read, as this database has them and as this role may read them, with the versions of
-- rows (`xmin`) where there are any. A table that is not on the search path has a row without columns, which says where
-- else it is.
SELECT
    wanted.name AS wanted,
    class.relkind = 'r' AND NOT class.relhassubclass AS is_plain,
    -- Another file holds the rows after they were rewritten, without a trigger and perhaps with their old versions.
    COALESCE(class.oid || '/' || class.relfilenode, '') AS file,
    COALESCE(attribute.attnum, 0) AS number,
    COALESCE(class.oid::regclass::text, '') AS table_name,
    COALESCE(attribute.attname::text, '') AS column_name,
    COALESCE(type.typname::text, '') AS type_name,
    COALESCE(pg_catalog.format_type(attribute.atttypid, attribute.atttypmod), '') AS shown_type,
    COALESCE(pg_catalog.has_column_privilege(class.oid, attribute.attnum, 'SELECT'), false) AS readable,
    (
        SELECT pg_catalog.quote_ident(pg_namespace.nspname)
        FROM pg_catalog.pg_class
        JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
        WHERE pg_class.relname = wanted.name
        ORDER BY pg_namespace.nspname
        LIMIT 1
    ) AS elsewhere
FROM pg_catalog.unnest($1::text[]) AS wanted (name)
LEFT JOIN pg_catalog.pg_class AS class ON class.oid = pg_catalog.to_regclass(wanted.name)
LEFT JOIN pg_catalog.pg_attribute AS attribute
    ON attribute.attrelid = class.oid AND (attribute.attnum > 0 OR attribute.attname = 'xmin')
    AND NOT attribute.attisdropped
LEFT JOIN pg_catalog.pg_type AS declared ON declared.oid = attribute.atttypid
-- A domain travels as the type that it is made from.
LEFT JOIN pg_catalog.pg_type AS type ON type.oid = COALESCE(NULLIF(declared.typbasetype, 0), declared.oid)
ORDER BY wanted.name, attribute.attnum
