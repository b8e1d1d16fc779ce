(* The numbers of AD-3 and AD-4. *)
From Coq Require Import Reals Lra.
Local Open Scope R_scope.

(* Bounds of pi by Machin's series 2 atan (1/3) + atan (1/7). *)
Lemma pi_bounds : 3141 / 1000 < PI < 3143 / 1000.
Proof.
destruct (PI_2_3_7_ineq 1) as [lo hi].
cbv [sum_f_R0 tg_alt PI_2_3_7_tg Ratan_seq Nat.mul Nat.add plus mult] in lo, hi.
simpl in lo, hi; lra.
Qed.

Lemma sqrt_between (x a b : R) : 0 <= a -> 0 <= b -> a * a < x < b * b -> a < sqrt x < b.
Proof.
intros a0 b0 [ax xb]; split.
- rewrite <- (sqrt_square a a0); apply sqrt_lt_1_alt; nra.
- rewrite <- (sqrt_square b b0); apply sqrt_lt_1_alt; nra.
Qed.

(* AD-3. (g) The constant C for d = 128 and four bits is 0.754, to three digits. *)
Theorem AD_3_j_constant_128_4 : 7535 / 10000 < sqrt 128 / (2 ^ 4 - 1) < 7545 / 10000.
Proof.
assert (h : 7535 / 10000 * 15 < sqrt 128 < 7545 / 10000 * 15) by (apply sqrt_between; lra).
lra.
Qed.

(* AD-4. (e) At the Gaussian floor sqrt (1 - beta) is 0.603, and the linear bound of AD-3, a quarter *)
(* of osc(delta) <= 2 x sqrt (1 - beta) times the spread Om of the values, exceeds the trivial bound *)
(* Om exactly if x = |q| |k| / sqrt d exceeds a threshold of 3.32.                                    *)
Theorem AD_4_e_numbers : let s := sqrt (1 - 2 / PI) in
  6025 / 10000 < s < 6035 / 10000 /\
  (forall x Om, 0 < Om -> (Om < / 4 * (2 * x * s) * Om <-> 2 / s < x)) /\
  3315 / 1000 < 2 / s < 3325 / 1000.
Proof.
intros s; destruct pi_bounds as [p1 p2].
assert (i : 6363 / 10000 < 2 / PI < 6368 / 10000).
{ assert (g : 2 / PI * PI = 2) by (field; lra).
  split; apply (Rmult_lt_reg_r PI); try lra; rewrite g; lra. }
assert (b : 6025 / 10000 < s < 6031 / 10000) by (apply sqrt_between; lra).
clearbody s; assert (e : 2 / s * s = 2) by (field; lra).
split; [lra|split].
- intros x Om O0; split; intro h.
  + apply (Rmult_lt_reg_r s); [lra|]; rewrite e; apply (Rmult_lt_reg_r Om); lra.
  + assert (k : 2 < x * s) by (rewrite <- e; apply Rmult_lt_compat_r; lra).
    apply (Rmult_lt_compat_r Om) in k; lra.
- split; apply (Rmult_lt_reg_r s); try lra; rewrite e; lra.
Qed.
