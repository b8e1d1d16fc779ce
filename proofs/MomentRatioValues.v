(* MR-3: moment ratios of particular laws with densities.                                          *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
Local Open Scope R_scope.

(* MR-3 and the last sentence of IF-4. For the uniform law on [-a, a], whose density is 1/(2a), the *)
(* mean of |X| is a/2, the mean of X^2 is a^2/3, and so the moment ratio is 3/4.                    *)
Theorem MR_3_a_uniform_three_quarters (a : R) : 0 < a ->
  is_RInt (fun x => Rabs x * / (2 * a)) (- a) a (a / 2) /\
  is_RInt (fun x => x ^ 2 * / (2 * a)) (- a) a (a ^ 2 / 3) /\
  (a / 2) ^ 2 / (a ^ 2 / 3) = 3 / 4.
Proof.
intros a0; split; [|split].
- replace (a / 2) with (plus (a / 4) (a / 4)) by (unfold plus; simpl; field).
  apply (@is_RInt_Chasles R_NormedModule _ (- a) 0 a (a / 4) (a / 4)).
  + apply (is_RInt_ext (fun x => - x * / (2 * a))).
      intros x [_ x0]; rewrite Rmax_right in x0 by lra; now rewrite Rabs_left by lra.
    replace (a / 4) with (minus (- 0 ^ 2 * / (4 * a)) (- (- a) ^ 2 * / (4 * a)))
      by (unfold minus, plus, opp; simpl; field; lra).
    apply (is_RInt_derive (fun x => - x ^ 2 * / (4 * a))).
      intros x _; auto_derive; [lra|field; lra].
    intros x _; apply (ex_derive_continuous (fun x => - x * / (2 * a))); auto_derive; lra.
  + apply (is_RInt_ext (fun x => x * / (2 * a))).
      intros x [x0 _]; rewrite Rmin_left in x0 by lra; now rewrite Rabs_pos_eq by lra.
    replace (a / 4) with (minus (a ^ 2 * / (4 * a)) (0 ^ 2 * / (4 * a)))
      by (unfold minus, plus, opp; simpl; field; lra).
    apply (is_RInt_derive (fun x => x ^ 2 * / (4 * a))).
      intros x _; auto_derive; [lra|field; lra].
    intros x _; apply (ex_derive_continuous (fun x => x * / (2 * a))); auto_derive; lra.
- replace (a ^ 2 / 3) with (minus (a ^ 3 * / (6 * a)) ((- a) ^ 3 * / (6 * a)))
    by (unfold minus, plus, opp; simpl; field; lra).
  apply (is_RInt_derive (fun x => x ^ 3 * / (6 * a))).
    intros x _; auto_derive; [lra|field; lra].
  intros x _; apply (ex_derive_continuous (fun x => x ^ 2 * / (2 * a))); auto_derive; lra.
- field; lra.
Qed.
