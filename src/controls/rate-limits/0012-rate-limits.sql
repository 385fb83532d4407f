-- Reserved for rate-limits while version 0.2.0 is being made.
select 1;
