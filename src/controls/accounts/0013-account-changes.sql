-- Reserved for accounts while version 0.2.0 is being made.
select 1;
