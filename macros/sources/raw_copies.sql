{#-
  One raw table under the contract's names, each row with its number among the rows of the same key, as a subquery. Only
  rows whose key occurs more than once are ranked: a window over all rows costs more than the rest of staging.

  Arguments   source_name  table of models/staging/_sources.yml
              columns      its contract columns
              key          SQL expression over raw_<column>: the key as text, null where a part of it is empty
              latest_by    SQL expression by which the newest copy is found; none where the source has none
  Returns     subquery: raw_<column> of every column, row_key and copy_number, 1 for the copy that counts: the latest,
              then the largest md5 of the whole row, so that the choice does not depend on the order of the rows
-#}
{% macro raw_copies(source_name, columns, key, latest_by=none) -%}
    (
        with repeated as (
            select {{ key }} as row_key
            from {{ raw_relation(source_name, columns) }} as raw_rows
            group by {{ key }}
            having count(*) > 1
        )

        select
            raw_rows.*,
            repeated.row_key,
            row_number() over (
                partition by repeated.row_key
                order by
                    {% if latest_by %}{{ latest_by }} desc nulls last, {% endif -%}
                    md5({{ json_of_row(columns) }}) desc
            ) as copy_number
        from {{ raw_relation(source_name, columns) }} as raw_rows
        inner join repeated on {{ key }} = repeated.row_key
        union all
        select
            raw_rows.*,
            {{ key }} as row_key,
            1 as copy_number
        from {{ raw_relation(source_name, columns) }} as raw_rows
        left join repeated on {{ key }} = repeated.row_key
        where repeated.row_key is null
    )
{%- endmacro %}
