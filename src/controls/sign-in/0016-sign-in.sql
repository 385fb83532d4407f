-- Reserved for sign-in while version 0.2.0 is being made.
select 1;
