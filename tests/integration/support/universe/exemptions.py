"""Columns of the catalogs that nothing compares, and entries of an archive that may be missing, and
why. All others are noticed."""

from __future__ import annotations

__all__ = ["ENTRIES_OF_OTHERS", "ENTRIES_WITHOUT_EFFECT", "NOT_COMPARED", "OTHER_CATALOGS"]

# Catalogs whose rows are no objects, or are compared in another way.
OTHER_CATALOGS = {
    "pg_depend": "says how objects hang together; each of them is compared",
    "pg_description": "test_a_comment_that_is_another",
    "pg_init_privs": "what initdb and extensions have granted",
    "pg_largeobject": "test_proof: compared as data",
    "pg_seclabel": "test_a_security_label",
    "pg_statistic": "statistics are in no dump",
    "pg_statistic_ext_data": "statistics are in no dump",
}

_SERVERS = "the server's own account: files, sizes, transactions, numbers of what there is"
_DERIVED = "follows from another column, which is compared"
_NOT_NULL = "decides nothing: that a column may not be null is said by the column"
_NO_MEANING = "has no meaning for this kind"
_NOT_DUMPED = "in no dump"

# catalog.column, or catalog[kinds].column → why.
NOT_COMPARED = {
    _SERVERS: (
        "pg_class.rel(filenode|pages|tuples|allvisible|allfrozen|toastrelid|frozenxid|minmxid)",
        "pg_class.rel(rewrite|isshared|hasindex|hasrules|hastriggers|hassubclass|checks|natts)",
        "pg_class.reltype",
        "pg_attribute.att(cacheoff|hasdef|hasmissing|missingval|isdropped)",
        "pg_index.ind(checkxmin|isready|islive)",
        "pg_enum.enumtypid",
        "pg_type.typ(relid|array|isdefined)",
        "pg_trigger.tg(constrindid|parentid|isinternal|constraint)",
        "pg_inherits.inhdetachpending",
        "pg_partitioned_table.partdefid",
    ),
    _DERIVED: (
        "pg_attribute.att(len|byval|align|inhcount|num)",
        "pg_attribute[Ii].att(typid|typmod|name|storage|collation|notnull|islocal|relid)",
        "pg_attribute[S]..+",
        "pg_attribute[cvm].attislocal",
        "pg_attribute[vm].attnotnull",
        "pg_class[Ii].rel(namespace|persistence|ispartition|owner)",
        "pg_class[Ic]..+",
        "pg_constraint.con(namespace|parentid|inhcount|pfeqop|ppeqop|ffeqop)",
        "pg_constraint[t]..+",
        "pg_constraint[puxf].con(islocal|noinherit|indid|validated|key)",
        "pg_constraint[c].conkey",
        "pg_constraint[pu].conexclop",
        "pg_index.ind(natts|nkeyatts|isprimary|isexclusion|immediate|isreplident)",
        "pg_inherits.inhseqno",
        "pg_operator.oprkind",
        "pg_proc.pro(nargs|nargdefaults)",
        "pg_proc[a].pro(src|bin|cost|rows|secdef|leakproof|isstrict|retset|support|volatile|config)",
        "pg_proc[a].pro(lang|sqlbody|rettype|trftypes)",
        "pg_proc.provariadic",
        "pg_proc[p].pro(rettype|retset|cost|rows|leakproof|isstrict|volatile|parallel|support)",
        "pg_amop.amop(method|lefttype|righttype)",
        "pg_language.lanispl",
        "pg_publication_rel.prpubid",
        "pg_type[cedrm].typ(len|byval|align|storage|input|output|receive|send|modin|modout|delim)",
        "pg_type[cedrm].typ(analyze|elem|category|ispreferred|subscript|collation|default.*)",
        "pg_type[cedrm].typ(ndims|basetype|typmod|notnull)",
        "pg_type[b].typ(ndims|basetype|typmod|notnull|type|defaultbin)",
        "pg_type[m]..+",
        "pg_type[cerdb].typtype",
        "pg_range.rng(multitypid|typid)",
        "pg_user_mapping.umuser",
    ),
    _NOT_NULL: ("pg_constraint[n]..+",),
    _NO_MEANING: (
        "pg_class[SvmIifc].rel(rowsecurity|forcerowsecurity|ispartition|partbound|ispopulated)",
        "pg_class[Svfc].relam",
        "pg_class[Svmifc].rel(replident|persistence|oftype)",
        "pg_constraint[cpux].con(indid|frelid)",
        "pg_constraint[cx].conperiod",
        "pg_constraint[pufx].contypid",
        "pg_attribute[p].attislocal",
        "pg_class[rp].relispopulated",
        "pg_class[rpvmfS].reltoastrelid",
        "pg_attribute.attndims",
    ),
    _NOT_DUMPED: (
        "pg_class.reltablespace",
        "pg_collation.coll(version|encoding)",
        "pg_extension.ext(version|relocatable|owner|config|condition)",
    ),
}

_OF_THE_SERVER = "the database is made with what the server says of it"

# Kinds of entries of an archive without which the same is restored -> why.
ENTRIES_WITHOUT_EFFECT = {
    "ACL of the database": _OF_THE_SERVER,
    "COMMENT of the database": _OF_THE_SERVER,
    "DATABASE": _OF_THE_SERVER,
    "DATABASE PROPERTIES": _OF_THE_SERVER,
    "ENCODING": "a session has the encoding of the database",
    "SEARCHPATH": "every name is qualified",
}
# Kinds that a twin never gets -> how what is not carried begins, with the entry or without it.
ENTRIES_OF_OTHERS = {"SUBSCRIPTION": "subscription "}
